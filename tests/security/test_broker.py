"""Whoever can write to the broker runs nothing: a message names a task of ours, in JSON, or is dropped."""

from __future__ import annotations

import base64
import json
import os
import pickle
import uuid
from pathlib import Path

import kombu
import pytest
from kombu.exceptions import ContentDisallowed, DecodeError
from kombu.serialization import loads, prepare_accept_content

from portal.celery import app

MARK = "unpickled-by-a-worker"


class Bomb:
    """Unpickled, it leaves a file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder / MARK),)


@pytest.fixture
def bomb(tmp_path):
    return pickle.dumps(Bomb(tmp_path))


def has_gone_off(tmp_path):
    return (tmp_path / MARK).exists()


def test_bomb_is_one(bomb, tmp_path):
    """The measure itself: what these tests send does go off where somebody unpickles it."""
    pickle.loads(bomb)  # noqa: TID251 (our own bytes, to see that the attack works)
    assert has_gone_off(tmp_path)


def envelope(body: bytes, content_type: str, encoding: str = "binary") -> dict[str, object]:
    """What a publisher puts into a queue of Redis."""
    task_id = str(uuid.uuid4())
    return {
        "body": base64.b64encode(body).decode(),
        "content-type": content_type,
        "content-encoding": encoding,
        "headers": {"lang": "py", "task": "classifier.tasks.run_predictions_task", "id": task_id},
        "properties": {
            "correlation_id": task_id,
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": "predictions"},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": str(uuid.uuid4()),
        },
    }


@pytest.fixture
def queue():
    """A queue in memory, read as the workers read theirs."""
    with kombu.Connection("memory://") as connection:
        yield connection.channel(), f"predictions-{uuid.uuid4().hex}"


@pytest.mark.parametrize(
    "content_type", ["application/x-python-serialize", "application/x-yaml", "application/x-msgpack"]
)
def test_message_in_another_form_is_refused_unread(bomb, tmp_path, queue, content_type):
    channel, name = queue
    taken, refused = [], []
    consumer = kombu.Consumer(
        channel,
        kombu.Queue(name, channel=channel),
        accept=app.conf.accept_content,
        callbacks=[lambda body, message: taken.append(body)],
        on_decode_error=lambda message, error: refused.append(type(error)),
    )
    consumer.consume()
    channel._put(name, envelope(bomb, content_type))
    channel.connection.client.drain_events(timeout=2)
    assert (taken, refused) == ([], [ContentDisallowed])
    channel._put(name, envelope(b"[[], {}, {}]", "application/json", "utf-8"))
    channel.connection.client.drain_events(timeout=2)
    assert len(taken) == 1, "what is meant to be taken is"
    assert not has_gone_off(tmp_path)


def test_real_consumer_of_the_app_takes_json_alone(bomb, tmp_path, queue):
    """As the worker makes it: with the application's own settings."""
    channel, name = queue
    consumer = app.amqp.TaskConsumer(channel, queues=[kombu.Queue(name, channel=channel)])
    assert set(consumer.accept) == {"application/json"}
    message = consumer.channel.Message(envelope(bomb, "application/x-python-serialize"), channel=channel)
    message.accept = consumer.accept
    with pytest.raises(ContentDisallowed):
        message.decode()
    assert not has_gone_off(tmp_path)


def test_disguised_as_json(bomb, tmp_path):
    accept = prepare_accept_content(app.conf.accept_content)
    with pytest.raises(DecodeError):
        loads(bomb, "application/json", "utf-8", accept=accept)
    forged = json.dumps({"py/reduce": ["os.mkdir", str(tmp_path / MARK)]})
    assert loads(forged, "application/json", "utf-8", accept=accept) == json.loads(forged)
    assert not has_gone_off(tmp_path)


def test_settings_of_the_workers(settings):
    conf = app.conf
    assert list(conf.accept_content) == ["json"]
    assert (conf.task_serializer, conf.event_serializer) == ("json", "json")
    assert conf.result_backend is None
    assert not conf.result_accept_content or list(conf.result_accept_content) == ["json"]
    assert not conf.worker_enable_remote_control, "a message could shut workers down, or revoke tasks"
    assert settings.SESSION_SERIALIZER.endswith("JSONSerializer")


def test_tasks_take_no_arguments_from_a_message():
    """What a forged message can do is wake a worker that looks for work of its own accord."""
    app.loader.import_default_modules()
    ours = [task for name, task in app.tasks.items() if name.startswith(("classifier.", "portal."))]
    assert len(ours) > 5
    for task in ours:
        code = task.run.__code__
        assert code.co_argcount - hasattr(task.run, "__self__") == 0, task.name
        assert not code.co_flags & 0x0C, f"{task.name} takes anything"
