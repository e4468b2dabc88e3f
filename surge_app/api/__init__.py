"""The JSON API, documented by the OpenAPI it serves."""

from surge_app.api.app import DirectCalls, create_api

__all__ = ["DirectCalls", "create_api"]
