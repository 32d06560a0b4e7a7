"""The loader that bench_loader races: a torch DataLoader whose workers read a RecordIO set and decode with OpenCV.

It does what ours does and no more: 8-bit RGB [batch, rows, cols, 3] and labels, no flips, no floats.

Protocol: one command a line on standard input, one JSON object a line on standard output.
    hello                        -> {"torch": "2.15.0", "opencv": "4.8.1"}
    load FOLDER BATCH WORKERS    -> {"images": n}          starts the workers and reads one epoch
    epoch N                      -> {"seconds": s, "images": n}   N epochs, shuffled
"""
import struct
import time
from pathlib import Path

import cv2
import torch
from torch.utils.data import DataLoader, Dataset

from race_loop import serve


class RecordIO(Dataset):
    def __init__(self, folder):
        self.path, self.file = Path(folder) / "train.rec", None
        lines = (Path(folder) / "train.idx").read_text().splitlines()
        self.offsets = {int(key): int(offset) for key, offset in (line.split("\t") for line in lines)}
        zero = self.record(0)
        self.images = int(struct.unpack_from("<f", zero, 24)[0]) - 1  # keys 1 .. A-1
        self.file = None  # every worker opens its own

    def record(self, key):
        if self.file is None:
            self.file = self.path.open("rb")
        self.file.seek(self.offsets[key])
        magic, length = struct.unpack("<II", self.file.read(8))
        if magic != 0xCED7230A or length >> 29:
            raise ValueError(f"record {key}: a bad magic number, or cut into parts")
        return self.file.read(length)

    def __len__(self):
        return self.images

    def __getitem__(self, image):
        record = self.record(image + 1)
        flag, label = struct.unpack_from("<If", record)
        if flag:
            label = struct.unpack_from("<f", record, 24)[0]
        encoded = memoryview(record)[24 + 4 * flag:]
        pixels = cv2.imdecode(torch.frombuffer(bytearray(encoded), dtype=torch.uint8).numpy(), cv2.IMREAD_COLOR)
        return torch.from_numpy(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)), int(label)


class Race:
    def hello(self):
        return {"torch": torch.__version__.split("+")[0], "opencv": cv2.__version__}

    def load(self, folder, batch, workers):
        self.set = RecordIO(folder)
        self.loader = DataLoader(self.set, batch_size=int(batch), shuffle=True, drop_last=True,
                                 num_workers=int(workers), persistent_workers=True, prefetch_factor=8,
                                 worker_init_fn=lambda worker: cv2.setNumThreads(0))
        self.epoch(1)
        return {"images": len(self.set)}

    def epoch(self, count):
        begin, images = time.perf_counter(), 0
        for _ in range(int(count)):
            for pixels, _labels in self.loader:
                images += pixels.shape[0]
        return {"seconds": time.perf_counter() - begin, "images": images}


if __name__ == "__main__":
    serve(Race())
