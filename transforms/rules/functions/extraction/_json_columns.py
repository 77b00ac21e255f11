from transforms.rules.function import Decline


def nodes_as_columns(*a):
    raise Decline
