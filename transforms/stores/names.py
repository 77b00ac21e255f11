"""Which names projects, Logstores and ExternalStores may have."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from transforms.core.errors import ParameterInvalid
from transforms.core.secret import is_reference
from transforms.stores.external_store import ExternalStoreDescriptor
from transforms.stores.logstore import LogstoreDescriptor

__all__ = ["check_external_store", "check_logstore", "check_parameters", "check_project", "check_storage"]

_LOGSTORE = re.compile(r"[a-z0-9][a-z0-9_-]{0,61}[a-z0-9]")
_EXTERNAL_STORE = re.compile(r"[A-Za-z0-9_-]{2,63}")
_SECRET_OPTION = re.compile(
    r"secret|password|token|(?<!application_)credential(?!s_(?:relative|full)_uri)|sas|account_key|access_key(?!_id)|private", re.IGNORECASE
)
_PASSWORD_IN_URL = re.compile(r"://[^@]*:[^@]*@")
_SECRET_PARAMETERS = ("password", "accesskey", "accesskeysecret", "secret", "token")


def check_project(name: str) -> None:
    """Raises ParameterInvalid for a name a project must not have."""
    if not _LOGSTORE.fullmatch(name):
        raise ParameterInvalid(f"{name!r} is no project name", hint=_rule("2 to 63 of a-z, 0-9, _ and -, first and last a letter or digit"))


def check_logstore(name: str) -> None:
    """Raises ParameterInvalid for a name a Logstore must not have."""
    if name == "log":
        raise ParameterInvalid("a Logstore must not be called 'log': SQL reads that as the current Logstore", hint="choose another name")
    if not _LOGSTORE.fullmatch(name):
        raise ParameterInvalid(
            f"{name!r} is no Logstore name", hint=_rule("2 to 63 of a-z, 0-9, _ and -, first and last a letter or digit")
        )


def check_external_store(name: str) -> None:
    """Raises ParameterInvalid for a name an ExternalStore must not have."""
    if name.casefold() == "log":
        raise ParameterInvalid(
            "an ExternalStore must not be called 'log': SQL reads that as the current Logstore", hint="choose another name"
        )
    if not _EXTERNAL_STORE.fullmatch(name):
        raise ParameterInvalid(f"{name!r} is no ExternalStore name", hint=_rule("2 to 63 of letters a-z and A-Z, 0-9, _ and -"))


def check_parameters(descriptor: ExternalStoreDescriptor) -> None:
    """Raises ParameterInvalid when a parameter that names a secret holds text instead of a reference; the text is not repeated."""
    for key, value in descriptor.parameter.items():
        if key.casefold().replace("_", "").replace("-", "") in _SECRET_PARAMETERS and value and not is_reference(value):
            raise ParameterInvalid(
                f"ExternalStore {descriptor.name!r}: {key} must be a reference, not the secret itself", hint="write env:NAME or file:PATH"
            )


def check_storage(descriptor: LogstoreDescriptor) -> None:
    """Raises ParameterInvalid when a storage option or the location holds a secret's text; the text is not repeated."""
    for key, value in descriptor.storage_options.items():
        if _SECRET_OPTION.search(key) and value and not is_reference(value):
            raise ParameterInvalid(
                f"the storage option {key} must be a reference, not the secret itself", hint="write env:NAME or file:PATH"
            )
        if not is_reference(value) and _PASSWORD_IN_URL.search(value):
            raise ParameterInvalid(
                f"the storage option {key} must not hold a password", hint="give the whole value as env:NAME or file:PATH"
            )
    if "@" in urlsplit(descriptor.location).netloc and ":" in urlsplit(descriptor.location).netloc.rpartition("@")[0]:
        raise ParameterInvalid("a location must not hold a password", hint="give it as a storage option: KEY=env:NAME")


def _rule(text: str) -> str:
    return f"a name has {text}"
