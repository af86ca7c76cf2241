"""The networks that `train.py` can train: layers, data, loss and score of each one.

To train another one, add an entry to `NETWORKS`. The data are part of scikit-learn, so nothing is
downloaded.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from sklearn.datasets import load_digits, load_sample_images
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

SPLIT_SEED = 0
"""Of the test examples, which stay the same whatever the seed of the training is."""

TEST_SHARE = 0.2
"""Of the digits."""

TEST_COLUMNS = 160
"""Of each photograph, on its right: the network never sees them while it is trained."""

PATCH, STRIDE = 32, 15
"""Side of a training patch, and the way to the next; an odd one, as JPEG has blocks of 8 pixels."""

WHITE = 255
"""The largest value of a photograph."""

NOISE = 25 / WHITE
"""Standard deviation of the noise that the denoiser removes; black is 0 and white is 1."""

GREY = (0.299, 0.587, 0.114)
"""Weights of red, green and blue (ITU-R BT.601)."""

BLURS = np.arange(0.3, 2.5, 0.05)
"""Widths of the Gaussian filters, in pixels; the denoiser has to beat the best of them."""


class Data(NamedTuple):
    """Examples and their targets; a denoiser's training examples get noise later."""

    inputs: Tensor
    targets: Tensor
    test_inputs: Tensor
    test_targets: Tensor


class Network(NamedTuple):
    """A network, its data and its training."""

    build: Callable[[], nn.Module]
    data: Callable[[], Data]
    loss: Callable[[Tensor, Tensor], Tensor]
    score: Callable[[nn.Module, Data], float]
    baselines: Callable[[Data], dict[str, float]]
    """Scores without a network, by method."""
    decimals: int
    """Of the scores."""
    noise: float
    """Standard deviation of the noise on the training examples, drawn anew in each epoch."""
    epochs: int
    batch: int
    rate: float
    """Of learning, at first; it falls to zero along a cosine."""
    words: dict[str, str]
    """What cannot be measured, for the metadata and the card."""


class Residual(nn.Sequential):
    """Layers whose output is subtracted from their input: they find the noise, not the image."""

    def forward(self, image: Tensor) -> Tensor:
        """Return the image without the noise that the layers find in it."""
        noise = image
        for layer in self:
            noise = layer(noise)
        return image - noise


def convolutions(*shapes: tuple[int, int, int]) -> dict[str, nn.Module]:
    """Return convolutions that keep the size of an image, with a ReLU after each one.

    Shapes are side of the kernel, channels in and channels out. Zeros are added here and not by the
    convolution, since PyTorch's `padding="same"` warns of even kernels. The rule is the same: an
    even kernel gets one more column on the right and one more row at the bottom.
    """
    layers: dict[str, nn.Module] = {}
    for depth, (size, inputs, outputs) in enumerate(shapes, start=1):
        before, after = (size - 1) // 2, size // 2
        layers[f"pad{depth}"] = nn.ZeroPad2d((before, after, before, after))
        layers[f"conv{depth}"] = nn.Conv2d(inputs, outputs, size)
        layers[f"relu{depth}"] = nn.ReLU()
    return layers


def digits_network() -> nn.Module:
    """Return a classifier of 8x8 images."""
    layers = convolutions((5, 1, 16), (3, 16, 32), (2, 32, 32))
    layers |= {
        "pool": nn.MaxPool2d(2),
        "flatten": nn.Flatten(),
        "linear": nn.Linear(32 * 4 * 4, 10),
    }
    return nn.Sequential(OrderedDict(layers))


def denoiser_network() -> nn.Module:
    """Return a denoiser of grey images of any size."""
    layers = convolutions((5, 1, 24), (3, 24, 24), (3, 24, 24), (2, 24, 24), (3, 24, 1))
    # Noise has both signs.
    del layers["relu5"]
    return Residual(OrderedDict(layers))


def digits_data() -> Data:
    """Return the digits, from 0 (paper) to 1 (ink), split with equal shares of each digit."""
    images, labels = load_digits(return_X_y=True)
    inputs = (images / images.max()).reshape(-1, 1, 8, 8).astype(np.float32)
    parts = train_test_split(
        inputs, labels, test_size=TEST_SHARE, stratify=labels, random_state=SPLIT_SEED
    )
    train, test, train_labels, test_labels = map(torch.from_numpy, parts)
    return Data(train, train_labels, test, test_labels)


def denoiser_data() -> Data:
    """Return patches of the left of two photographs; their right, undivided, is for tests."""
    colours = np.stack(load_sample_images().images) / WHITE
    images = torch.from_numpy((colours @ np.array(GREY)).astype(np.float32))[:, None]
    train, test = images[..., :-TEST_COLUMNS], images[..., -TEST_COLUMNS:].contiguous()
    windows = train.unfold(2, PATCH, STRIDE).unfold(3, PATCH, STRIDE)
    patches = windows.reshape(-1, 1, PATCH, PATCH).contiguous()
    noisy = with_noise(test, NOISE, torch.Generator().manual_seed(SPLIT_SEED))
    return Data(patches, patches, noisy, test)


def with_noise(images: Tensor, deviation: float, generator: torch.Generator) -> Tensor:
    """Return images with Gaussian noise, not clipped; without any if the deviation is 0."""
    if not deviation:
        return images
    return images + deviation * torch.randn(images.shape, generator=generator)


def accuracy(model: nn.Module, data: Data) -> float:
    """Return the share of test images that are classified correctly."""
    with torch.no_grad():
        classes = model(data.test_inputs).argmax(dim=1)
    return float((classes == data.test_targets).double().mean())


def majority(data: Data) -> dict[str, float]:
    """Return the accuracy of always naming the most frequent class."""
    counts = torch.bincount(data.test_targets)
    return {"the most frequent class": (counts.max() / counts.sum()).item()}


def decibels(images: Tensor, targets: Tensor) -> float:
    """Return the peak signal-to-noise ratio over all pixels, for a peak of 1."""
    error = (images.double() - targets.double()).square().mean().item()
    return float(-10 * np.log10(error))


def denoising(model: nn.Module, data: Data) -> float:
    """Return the peak signal-to-noise ratio of the denoised test images."""
    with torch.no_grad():
        return decibels(model(data.test_inputs), data.test_targets)


def blurring(data: Data) -> dict[str, float]:
    """Return the ratio of the noisy test images, and of the Gaussian filter that suits them best.

    The filter is chosen on the test images themselves, which is more than the network is allowed.
    """
    noisy, scores = data.test_inputs.numpy(), {}
    for blur in BLURS:
        blurred = torch.from_numpy(gaussian_filter(noisy, (0, 0, blur, blur)))
        scores[blur] = decibels(blurred, data.test_targets)
    best = max(scores, key=lambda blur: scores[blur])
    return {
        "the noisy images": decibels(data.test_inputs, data.test_targets),
        f"the best Gaussian filter (sigma {best:.2f} pixels)": scores[best],
    }


NETWORKS = {
    "digits": Network(
        build=digits_network,
        data=digits_data,
        loss=nn.functional.cross_entropy,
        score=accuracy,
        baselines=majority,
        decimals=4,
        noise=0.0,
        epochs=40,
        batch=32,
        rate=1e-3,
        words={
            "task": "names the digit of an image",
            "loss": "cross-entropy",
            "score is": "the share of right answers on the test images",
            "data": "Optical Recognition of Handwritten Digits: 1797 images of 8x8, scaled to "
            "0..1, as `sklearn.datasets.load_digits` gives them (the test set of the UCI data)",
            "limits": "the 13 writers are in both parts, so that the score says nothing of others",
            "split": f"{TEST_SHARE:.0%} to test on, stratified by class, seed {SPLIT_SEED}",
            "source": "E. Alpaydin and C. Kaynak (1998), "
            "https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits",
            "data licence": "CC BY 4.0 (UCI Machine Learning Repository), "
            "https://creativecommons.org/licenses/by/4.0/",
        },
    ),
    "denoiser": Network(
        build=denoiser_network,
        data=denoiser_data,
        loss=nn.functional.mse_loss,
        score=denoising,
        baselines=blurring,
        decimals=2,
        noise=NOISE,
        epochs=50,
        batch=16,
        rate=1e-3,
        words={
            "task": "finds the noise in a grey image, and takes it away",
            "loss": "mean squared error",
            "score is": "the peak signal-to-noise ratio of the test images in dB, peak 1",
            "data": "the photographs `china.jpg` and `flower.jpg` of "
            "`sklearn.datasets.load_sample_images` (427x640), in grey from 0 to 1, with Gaussian "
            f"noise of standard deviation {NOISE * WHITE:.0f}/{WHITE} that is not clipped",
            "limits": "two photographs that were JPEG files, trained and tested on: the score "
            "cannot be compared with published ones",
            "split": f"the {TEST_COLUMNS} columns on the right of each photograph to test on; "
            f"patches of {PATCH}x{PATCH} of the rest, every {STRIDE} pixels, to train on",
            "source": "china.jpg by danielbuechele, "
            "https://www.flickr.com/photos/danielbuechele/6061409035/; flower.jpg by vultilion "
            "(scikit-learn names danielbuechele, but links to vultilion), "
            "https://www.flickr.com/photos/vultilion/6056698931/",
            "data licence": "CC BY 2.0, https://creativecommons.org/licenses/by/2.0/; no pixel of "
            "them is in the weights' files",
        },
    ),
}
"""What can be trained, by name."""
