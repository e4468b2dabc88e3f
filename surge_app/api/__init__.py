"""The JSON API, documented by the OpenAPI it serves."""

from surge_app.api.app import create_api

__all__ = ["create_api"]
