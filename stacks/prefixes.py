"""The prefixes of the buckets: each step writes below its own, and its role knows no other."""

INCOMING = "incoming"
"""Of the data bucket: what the batch transform scores. All else there is the team's."""

# Of the artifact bucket:
DATASETS = "datasets"
MODELS = "models"
EVALUATIONS = "evaluations"
MANIFESTS = "manifests"
"""What is known of the data of a run: kept as long as its model."""
CHECKPOINTS = "checkpoints"
CAPTURES = "captures"
PREDICTIONS = "predictions"
BATCHES = "batches"
"""Manifests: the files of each batch transform job."""
BASE_MODELS = "base-models"
"""Checkpoints that training starts from, in place of the Hub's: the team puts them there."""
PACKAGES = "packages"
"""Python packages for jobs that cannot reach an index: the team puts them there."""

MADE_AGAIN = (DATASETS, CHECKPOINTS, CAPTURES, PREDICTIONS, BATCHES)
"""What expires."""
