#!/usr/bin/python3
"""Trains the demo's model and writes digits.onnx, digits.npz and digits_calibration.npz beside this file.

A small convolutional network on the 8x8 handwritten digits that scikit-learn ships. 1,297 samples train it, the other
500 are kept apart for digits.npz. 256 of the training samples are for calibration. Everything is seeded and runs on one thread, so a second run on the same packages
gives the same files. Needs Debian's python3-torch, python3-sklearn and python3-onnx; README.md says how to install them.
"""

import io
import pathlib
import random
import sys
import zipfile

import numpy
import onnx
import torch
from sklearn.datasets import load_digits

SEED = 7
EPOCHS = 25
BATCH = 32
TEST_SAMPLES = 500
CALIBRATION_SAMPLES = 256
MAX_PIXEL = 16.0  # the digits' grey levels are 0..16
HERE = pathlib.Path(__file__).resolve().parent


def build_model():
    nn = torch.nn

    def block(inputs, outputs):
        return [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]

    return nn.Sequential(
        *block(1, 16), *block(16, 32), nn.MaxPool2d(2), *block(32, 64), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(64, 10))


def split(count):
    order = numpy.random.RandomState(SEED).permutation(count)
    return order[TEST_SAMPLES:], order[:TEST_SAMPLES]


def train(model, images, labels):
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    loss_function = torch.nn.CrossEntropyLoss()
    model.train()
    for epoch in range(EPOCHS):
        total = 0.0
        for chosen in torch.randperm(len(images)).split(BATCH):
            optimizer.zero_grad()
            loss = loss_function(model(images[chosen]), labels[chosen])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(chosen)
        schedule.step()
        print(f"epoch {epoch + 1}/{EPOCHS}: loss {total / len(images):.4f}", file=sys.stderr)


def write_model(model, path):
    torch.onnx.export(
        model, torch.zeros(1, 1, 8, 8), str(path), opset_version=13, input_names=["image"], output_names=["logits"],
        dynamic_axes={"image": {0: "N"}, "logits": {0: "N"}})
    onnx.checker.check_model(onnx.load(str(path)))


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
    random.seed(SEED)
    numpy.random.seed(SEED)
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)

    digits = load_digits()
    images = digits.images.reshape(-1, 1, 8, 8).astype(numpy.uint8)
    labels = digits.target.astype(numpy.int64)
    train_rows, test_rows = split(len(images))

    model = build_model()
    scaled = torch.from_numpy(images.astype(numpy.float32) / MAX_PIXEL)
    train(model, scaled[train_rows], torch.from_numpy(labels[train_rows]))

    model.eval()
    with torch.no_grad():
        predicted = model(scaled[test_rows]).argmax(1).numpy()
    correct = int((predicted == labels[test_rows]).sum())
    write_model(model, HERE / "digits.onnx")
    write_npz(HERE / "digits.npz", {"x": images[test_rows], "y": labels[test_rows]})
    calibration = train_rows[:CALIBRATION_SAMPLES]
    write_npz(HERE / "digits_calibration.npz", {"x": images[calibration], "y": labels[calibration]})
    print(f"{correct} of {len(test_rows)} test digits right; wrote digits.onnx and digits.npz")


if __name__ == "__main__":
    main()
