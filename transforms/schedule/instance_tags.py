"""The tags that every row of an instance carries at its destination: they tell which run of what produced it."""

from __future__ import annotations

from transforms.schedule.instance import Instance

__all__ = ["instance_tags"]


def instance_tags(project: str, task: str, instance: Instance) -> dict[str, str]:
    """Field → text: instance, task, project, schedule time and the moment the running attempt began, both as Unix seconds."""
    return {
        "__tag__:__instance_id__": instance.id,
        "__tag__:__job__": task,
        "__tag__:__project__": project,
        "__tag__:__schedule_time__": str(instance.schedule_time),
        "__tag__:__trigger_time__": str((instance.execute_us or 0) // 1_000_000),
    }
