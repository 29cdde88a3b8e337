"""The SDK's client, made safe for answers that are not Slack's."""

from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient


class SlackClient(AsyncWebClient):
    """Raises a SlackApiError with the HTTP status and no error code where the answer is not Slack's.

    The SDK itself takes a text for a mapping (AttributeError), hands over aiohttp's response where it cannot
    read JSON, and lets out a UnicodeDecodeError.
    """

    async def _request(self, *, http_verb: str, api_url: str, req_args: dict[str, Any]) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = await super()._request(
                http_verb=http_verb, api_url=api_url, req_args=req_args
            )
        except SlackApiError as error:
            response = error.response
            if not isinstance(response, aiohttp.ClientResponse):
                raise
            return {"data": {}, "headers": response.headers, "status_code": response.status}
        except UnicodeDecodeError:
            return {"data": {}, "headers": {}, "status_code": 200}
        if not isinstance(answer["data"], dict):
            answer["data"] = {}
        return answer


def client_of(token: str, api_url: str) -> AsyncWebClient:
    """A client without the SDK's own retries: after a reset connection it would post twice."""
    return SlackClient(token=token, base_url=api_url, retry_handlers=[], timeout=15)
