"""No output may contain the password. Every server of the tests has this one; what a test, or a
helper on its behalf, has seen is handed to seen() and searched when the test ends, together with
whatever pytest captured (see conftest.py)."""
import secrets

PASSWORD = "canary-" + secrets.token_hex(8)

_seen = []


def seen(output):
    """Registers text or bytes that a user could have read; gives it back."""
    _seen.append(output)
    return output


def leaks(extra=()):
    """The registered outputs, and the extra ones, that contain the password; forgets them all."""
    outputs = [*_seen, *extra]
    _seen.clear()
    found = []
    for output in outputs:
        text = output.decode("utf-8", "replace") if isinstance(output, (bytes, bytearray)) else str(output)
        if PASSWORD in text:
            found.append(text.replace(PASSWORD, "<THE PASSWORD>"))
    return found
