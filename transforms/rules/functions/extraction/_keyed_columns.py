from transforms.rules.function import Decline


def quoted_columns(*a):
    raise Decline


delimited_columns = quoted_columns
