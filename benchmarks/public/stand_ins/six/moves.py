"""What has moved between Python 2 and 3."""

import urllib

__all__ = ["urllib"]
