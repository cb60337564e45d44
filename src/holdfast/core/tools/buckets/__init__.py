"""Buckets: object storage that speaks S3, and folders outside of the workspace."""
