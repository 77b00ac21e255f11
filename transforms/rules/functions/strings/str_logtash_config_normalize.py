"""A second spelling, which rules found in the wild use."""

from transforms.rules.functions.strings.str_logstash_config_normalize import str_logstash_config_normalize as str_logtash_config_normalize

__all__ = ["str_logtash_config_normalize"]
