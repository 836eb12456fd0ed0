"""A made-up panel, for people who have none at hand yet: near the training means, so that it is read."""

from ml_models.manifest import Manifest

CASE_REFERENCE = "EXAMPLE"
# In standard deviations from each gene's mean, by turns: no real tumour looks like it.
_SHIFTS = (0.7, -0.7)


def as_text(manifest: Manifest, delimiter: str) -> str:
    """Two columns, gene and value in the unit of the release, a row a gene, under no header."""
    return "\n".join(
        f"{gene.symbol}{delimiter}{gene.mean + _SHIFTS[position % 2] * gene.sd:.4f}"
        for position, gene in enumerate(manifest.genes)
    )
