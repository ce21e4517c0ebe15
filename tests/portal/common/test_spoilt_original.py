"""An original that was changed fails its own image; a lost key fails nobody's."""

from pathlib import Path

import pytest

from classifier.claims.engine import OutageError
from classifier.engine.decode import start_decoding
from tests.factories import (
    PredictionFactory,
    SubmissionImageFactory,
)
from tests.portal.common.conftest import NEW


@pytest.mark.django_db
@pytest.mark.usefixtures("old")
class TestSpoiltOriginal:
    def decode(self, image):
        return start_decoding([PredictionFactory(image=image)])[0].result().found

    def test_changed_file_fails_its_own_image_alone(self):
        image = SubmissionImageFactory(with_files=True)
        path = Path(image.original.path)
        path.write_bytes(path.read_bytes()[:-5])
        assert self.decode(image).code == "original_changed"

    def test_lost_key_is_an_outage(self, rotate):
        image = SubmissionImageFactory(with_files=True)
        rotate(NEW)
        with pytest.raises(OutageError, match="key"):
            self.decode(image)
