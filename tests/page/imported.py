"""A torch module that nobody wrote a spec of: branches, a gate, a map that is made larger."""

from __future__ import annotations

import torch
from torch import nn


class Gated(nn.Module):
    """Two branches side by side, weighted by a gate, on top of what went in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.wide = nn.Conv2d(channels, channels, 5, padding=2, groups=channels, bias=False)
        self.narrow = nn.Conv2d(channels, channels, 1, bias=False)
        self.norm = nn.BatchNorm2d(2 * channels)
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(2 * channels, 2 * channels, 1), nn.Sigmoid()
        )
        self.join = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        both = self.norm(torch.cat([self.wide(x), self.narrow(x)], 1))
        return x + torch.relu(self.join(both * self.gate(both)))


class Classifier(nn.Module):
    """Three stages, each smaller than the one before; the last two meet again."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 24, 7, stride=2, padding=3)
        self.pool = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.stages = nn.ModuleList([nn.Sequential(Gated(24), Gated(24)) for _ in range(2)])
        self.down = nn.Conv2d(24, 24, 3, stride=2, padding=1)
        self.head = nn.Linear(48, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stages[0](self.pool(torch.relu(self.stem(x))))
        below = self.stages[1](self.down(x))
        pooled = [nn.functional.adaptive_avg_pool2d(each, 1) for each in (x, below)]
        scores: torch.Tensor = self.head(torch.flatten(torch.cat(pooled, 1), 1))
        return scores
