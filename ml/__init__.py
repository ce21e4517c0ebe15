"""The science of Dermaport: networks, their data, training, evaluation and prediction.

Floors, each importing only those below it (a contract in pyproject.toml asks): `commands` and
`research` over `training`, `evaluation` and `datasets`; `serving`, which judges patients' pictures;
`explanation`, `gates` and `network_files`; `imaging`. The portal enters by two doors: its engine by
`ml.serving`, intake and DICOM by `ml.imaging`.

Nothing here knows Django. Importing serving, imaging, gates and network files loads neither Keras nor
TensorFlow, so the web process may check a picture or read a specification without paying for the model.
"""
