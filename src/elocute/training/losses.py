"""Losses of the assessment network, one number per member of a stack; unknown labels do not count."""

from __future__ import annotations

import torch
from torch import Tensor

BINS = 11
"""Phone labels are means of five raters' 0, 1 or 2, so multiples of 0.2 from 0 to 2."""


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean over all but the first dimension."""
    return (values * weight).flatten(1).sum(1) / weight.flatten(1).sum(1).clamp(min=1e-6)


def squared_error(prediction: Tensor, reference: Tensor, weight: Tensor) -> Tensor:
    """(members,) weighted mean squared error of (members, …)."""
    return _mean((prediction - reference) ** 2, weight)


def _moments(prediction: Tensor, reference: Tensor, known: Tensor) -> tuple[Tensor, ...]:
    """Of (rows, items): means, variances, covariance over the known items."""
    count = known.sum(1).clamp(min=1.0)
    mean_p, mean_r = ((x * known).sum(1) / count for x in (prediction, reference))
    p, r = (prediction - mean_p[:, None]) * known, (reference - mean_r[:, None]) * known
    return mean_p, mean_r, (p * p).sum(1) / count, (r * r).sum(1) / count, (p * r).sum(1) / count


def concordance(prediction: Tensor, reference: Tensor, known: Tensor) -> Tensor:
    """(rows,) Lin's concordance correlation coefficient (1989) of (rows, items); ``known`` is 0 or 1."""
    mean_p, mean_r, var_p, var_r, covariance = _moments(prediction, reference, known)
    return 2.0 * covariance / (var_p + var_r + (mean_p - mean_r) ** 2 + 1e-6)


def correlation(prediction: Tensor, reference: Tensor, known: Tensor) -> Tensor:
    """(rows,) Pearson's correlation of (rows, items)."""
    _, _, var_p, var_r, covariance = _moments(prediction, reference, known)
    return covariance / (var_p * var_r + 1e-6).sqrt()


def label_weights(labels: Tensor, power: float, width: float = 1.0) -> Tensor:
    """(11,) weight of a phone label by its smoothed frequency to the power -``power``; the mean over
    ``labels`` is 1.

    Frequencies are smoothed over neighbouring labels with a Gaussian of ``width`` bins (label-distribution
    smoothing, Yang et al. 2021). Power 0 weights all alike, 1 all labels the same in sum.
    """
    bins = label_bins(labels[~labels.isnan()])
    counts = torch.bincount(bins, minlength=BINS).double()
    distance = torch.arange(BINS)[:, None] - torch.arange(BINS)
    kernel = torch.exp(-0.5 * (distance / width) ** 2)
    smooth = (kernel / kernel.sum(1, keepdim=True)).double() @ counts
    weights = smooth.clamp(min=1.0) ** -power
    return (weights * counts.sum() / (weights * counts).sum()).float()


def label_bins(labels: Tensor) -> Tensor:
    return (labels * 5.0).round().long().clamp(0, BINS - 1)


def ordinal_contrast(
    states: Tensor, phone: Tensor, labels: Tensor, known: Tensor, margin: float, phones: int
) -> tuple[Tensor, Tensor]:
    """Keep phones apart and good examples of a phone close to its centre (after ConPCO, Yan et al. 2025).

    States are scaled to unit length. ``spread`` is how much closer than ``margin`` the centres of different
    phones are, mean squared; ``tightness`` the mean squared distance to the own centre, weighted by the label
    over its maximum, so that the worse a phone the farther it may lie.

    Args:
        states: (members, n, width); ``phone``, ``labels`` and ``known`` (members, n).

    Returns:
        spread and tightness, (members,) each.
    """
    unit = torch.nn.functional.normalize(states, dim=-1)
    member = torch.nn.functional.one_hot(phone, phones).to(unit.dtype) * known[..., None]
    counts = member.sum(1)
    centres = member.transpose(1, 2) @ unit / counts.clamp(min=1.0)[..., None]
    squares = (centres * centres).sum(-1)
    between = squares[:, :, None] + squares[:, None, :] - 2.0 * centres @ centres.transpose(1, 2)
    present = (counts > 0).to(unit.dtype)
    pairs = present[:, :, None] * present[:, None, :] * (1.0 - torch.eye(phones))
    spread = _mean((margin - (between.clamp(min=0.0) + 1e-8).sqrt()).clamp(min=0.0) ** 2, pairs)
    own = (member @ centres - unit).square().sum(-1)
    tightness = _mean(own * labels / 2.0, known)
    return spread, tightness
