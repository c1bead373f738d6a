#!/usr/bin/python3
"""Makes the golden model and its samples: golden.onnx and golden.npz beside this file.

A small convolutional network with random weights: what it answers means nothing, how long it takes does. Everything is
seeded, so that a second run on the same packages gives the same files. Needs Debian's python3-numpy and python3-onnx.
"""

import io
import pathlib
import zipfile

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

SEED = 20261121
CHANNELS = 32
CLASSES = 10
SAMPLES = 4
HERE = pathlib.Path(__file__).resolve().parent


def weights(random, *shape):
    """As He and others: the outputs of every layer are of the same size."""
    fan_in = numpy.prod(shape[1:])
    return (random.standard_normal(shape) * numpy.sqrt(2.0 / fan_in)).astype(numpy.float32)


def build_model(random):
    initializers = []
    nodes = []

    def constant(name, array):
        initializers.append(numpy_helper.from_array(array, name))
        return name

    last = "image"
    for layer, inputs in enumerate((3, CHANNELS, CHANNELS), start=1):
        kernel = constant(f"kernel_{layer}", weights(random, CHANNELS, inputs, 3, 3))
        bias = constant(f"bias_{layer}", numpy.zeros(CHANNELS, numpy.float32))
        nodes.append(helper.make_node("Conv", [last, kernel, bias], [f"conv_{layer}"], kernel_shape=[3, 3],
                                      pads=[1, 1, 1, 1]))
        nodes.append(helper.make_node("Relu", [f"conv_{layer}"], [f"relu_{layer}"]))
        last = f"relu_{layer}"
    nodes.append(helper.make_node("GlobalAveragePool", [last], ["pooled"]))
    nodes.append(helper.make_node("Flatten", ["pooled"], ["features"]))
    matrix = constant("matrix", weights(random, CLASSES, CHANNELS))
    offset = constant("offset", numpy.zeros(CLASSES, numpy.float32))
    nodes.append(helper.make_node("Gemm", ["features", matrix, offset], ["logits"], transB=1))
    graph = helper.make_graph(
        nodes, "golden", [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 32, 32])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, CLASSES])], initializers)
    model = helper.make_model(graph, producer_name="paddock", opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 7
    onnx.checker.check_model(model)
    return model


def write_npz(path, arrays):
    """As numpy.savez_compressed, but with a fixed time in the archive, so that equal arrays give equal bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            numpy.lib.format.write_array(buffer, numpy.ascontiguousarray(array), allow_pickle=False)
            entry = zipfile.ZipInfo(name + ".npy", (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, buffer.getvalue())


def main():
    random = numpy.random.RandomState(SEED)
    model = build_model(random)
    (HERE / "golden.onnx").write_bytes(model.SerializeToString())
    samples = random.randint(0, 256, (SAMPLES, 3, 32, 32)).astype(numpy.float32) / 256
    write_npz(HERE / "golden.npz", {"x": samples})
    print(f"wrote golden.onnx and golden.npz with {SAMPLES} samples")


if __name__ == "__main__":
    main()
