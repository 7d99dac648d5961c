"""Makes test/unit/runs/tensorboard-golden.json with TensorBoard's own writer and protobuf classes.

python -m venv v && v/bin/pip install tensorboard==2.20.0 "setuptools<81" && v/bin/python scripts/make-golden/tensorboard_events.py
"""

import base64
import io
import json
import pathlib

from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2, types_pb2
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c
from tensorboard.summary.writer.record_writer import RecordWriter

PNG = bytes(range(40))


def text_value(tag, text):
    return summary_pb2.Summary.Value(
        tag=tag,
        metadata=summary_pb2.SummaryMetadata(plugin_data=summary_pb2.SummaryMetadata.PluginData(plugin_name="text")),
        tensor=tensor_pb2.TensorProto(
            dtype=types_pb2.DT_STRING,
            tensor_shape=tensor_shape_pb2.TensorShapeProto(dim=[tensor_shape_pb2.TensorShapeProto.Dim(size=1)]),
            string_val=[text.encode()],
        ),
    )


def image_value(tag):
    image = summary_pb2.Summary.Image(height=5, width=300, colorspace=3, encoded_image_string=PNG)
    return summary_pb2.Summary.Value(tag=tag, image=image)


CASES = {
    "version": event_pb2.Event(wall_time=1700000000.25, file_version="brain.Event:2"),
    "scalars": event_pb2.Event(
        wall_time=1700000001.5,
        step=300,
        summary=summary_pb2.Summary(
            value=[
                summary_pb2.Summary.Value(tag="loss", simple_value=0.1),
                summary_pb2.Summary.Value(tag="grad/norm", simple_value=-2.5),
            ]
        ),
    ),
    "text": event_pb2.Event(
        wall_time=1700000002.0, step=1, summary=summary_pb2.Summary(value=[text_value("rollout", "**früh** \n x" * 20)])
    ),
    "image": event_pb2.Event(
        wall_time=1700000003.0, step=2**40, summary=summary_pb2.Summary(value=[image_value("sheet")])
    ),
}

golden = {"png": base64.b64encode(PNG).decode(), "events": {}, "records": {}, "maskedCrc32c": {}}
for name, event in CASES.items():
    data = event.SerializeToString()
    file = io.BytesIO()
    RecordWriter(file).write(data)
    golden["events"][name] = base64.b64encode(data).decode()
    golden["records"][name] = base64.b64encode(file.getvalue()).decode()
for text in ["", "a", "123456789", "\0" * 32, "x" * 1000]:
    golden["maskedCrc32c"][text] = masked_crc32c(text.encode())

target = pathlib.Path(__file__).parents[2] / "test/unit/runs/tensorboard-golden.json"
target.write_text(json.dumps(golden, indent=2) + "\n")
