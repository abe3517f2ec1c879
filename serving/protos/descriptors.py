"""Message descriptors from tables.

A table maps a message to its fields as (number, name, type); `name*` is repeated, `name{}` a map from string, a type
with a dot a message.
"""

from google.protobuf import descriptor_pb2

Fields = list[tuple[int, str, str]]

_Field = descriptor_pb2.FieldDescriptorProto


def _add_field(message: descriptor_pb2.DescriptorProto, full_name: str, number: int, name: str, kind: str) -> None:
    bare = name.rstrip("*{}")
    field = message.field.add(name=bare, number=number, label=_Field.LABEL_OPTIONAL)
    if name.endswith("{}"):
        entry_name = "".join(part.capitalize() for part in bare.split("_")) + "Entry"
        entry = message.nested_type.add(name=entry_name)
        entry.options.map_entry = True
        _add_field(entry, "", 1, "key", "string")
        _add_field(entry, "", 2, "value", kind)
        kind = f"{full_name}.{entry_name}"
    if name != bare:
        field.label = _Field.LABEL_REPEATED
    if kind.startswith("."):
        field.type, field.type_name = _Field.TYPE_MESSAGE, kind
    else:
        field.type = _Field.Type.Value(f"TYPE_{kind.upper()}")


def file(package: str, messages: dict[str, Fields]) -> descriptor_pb2.FileDescriptorProto:
    """The descriptor of `messages` in `package`; one with a dot in its name is nested in the one before the dot."""
    described = descriptor_pb2.FileDescriptorProto(name=f"anchorline/{package}.proto", package=package, syntax="proto3")
    for name, fields in messages.items():
        if "." in name:
            continue
        message = described.message_type.add(name=name)
        for number, field, kind in fields:
            _add_field(message, f".{package}.{name}", number, field, kind)
        for nested, nested_fields in messages.items():
            if nested.startswith(f"{name}."):
                inner = message.nested_type.add(name=nested.split(".")[1])
                for number, field, kind in nested_fields:
                    _add_field(inner, "", number, field, kind)
    return described
