#!/usr/bin/python3
"""Writes the demo's digits in other formats, each with its job file: export_digits.py FOLDER.

digits.csv, digits.bin (records of a label and 64 bytes), digits_png/CLASS/NUMBER.png; csv.yaml, raw.yaml, images.yaml. The
model stays where it is: paddock run FOLDER/csv.yaml --model deploy/demo/digits.onnx
"""

import pathlib
import struct
import sys
import zipfile
import zlib

JOB = """model: digits.onnx
data:
  file: {file}
  labels: {labels}
  samples: 200
  seed: 7
{more}task: classification
on: ["driver=onnxruntime"]
scenario: {{kind: single-stream, min_duration_s: 1, median_precision: 0, tail_precision: 0}}
repetitions: 1
"""


def elements(npz, name):
    member = npz.read(name)
    return member[10 + struct.unpack("<H", member[8:10])[0]:]


def png(grey, side):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + grey[y * side:(y + 1) * side] for y in range(side))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def main(folder):
    with zipfile.ZipFile(pathlib.Path(__file__).parent / "digits.npz") as npz:
        pixels = elements(npz, "x.npy")
        labels = [label for label, in struct.iter_unpack("<q", elements(npz, "y.npy"))]
    samples = [pixels[64 * i:64 * (i + 1)] for i in range(len(labels))]

    names = ",".join(f"p{i}" for i in range(64))
    lines = [",".join(map(str, sample)) + f",{label}" for sample, label in zip(samples, labels)]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "digits.csv").write_text("\n".join([names + ",digit"] + lines) + "\n")
    (folder / "digits.bin").write_bytes(b"".join(bytes([label]) + sample for sample, label in zip(samples, labels)))
    for i, (sample, label) in enumerate(zip(samples, labels)):
        place = folder / "digits_png" / str(label)
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{i:03}.png").write_bytes(png(bytes(15 * value for value in sample), 8))

    scaled = "{cast: {to: float32}}, {scale: {factor: 0.0625}}"
    shaped = f"  preprocess: [{scaled}, {{reshape: {{shape: [1, 8, 8]}}}}]\n"
    (folder / "csv.yaml").write_text(
        JOB.format(file="digits.csv", labels="digit", more="  inputs: {image: p0..p63}\n" + shaped))
    (folder / "raw.yaml").write_text(
        JOB.format(file="digits.bin", labels="labels",
                   more=f"  raw: {{type: uint8, shape: [1, 8, 8], label_type: uint8}}\n  preprocess: [{scaled}]\n"))
    # Grey levels 0..16 were stored as 0..240.
    steps = "{color: {order: gray}}, {transpose: {axes: [2, 0, 1]}}, {scale: {factor: 0.004166666666666667}}"
    (folder / "images.yaml").write_text(JOB.format(file="digits_png", labels="labels", more=f"  preprocess: [{steps}]\n"))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
