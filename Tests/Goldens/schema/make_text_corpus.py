"""Writes text_corpus.json: texts, and what protoc makes of them.

Run from this folder; needs Debian's protobuf-compiler and python3-protobuf. Each case holds the
message type, the text, whether protoc accepts it, and if so the message in binary (base64) and as
protoc prints it. The random part is seeded, so a second run writes the same file.
"""

import base64
import json
import pathlib
import random
import subprocess
import tempfile

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from google.protobuf.descriptor import FieldDescriptor as Field

SCHEMA = pathlib.Path(__file__).resolve().parents[3] / "Sources/CaffeSchemaC"

NET = "NetParameter"
BY_HAND = [
    (NET, text)
    for text in [
        "",
        "# only a comment",
        'name: "Le" \'Net\' # adjacent strings are one',
        'name: "a"; layer { name: "b" }, layer < name: \'c\' >',
        'layer: { name: "colon" }',
        'layer: [ { name: "a" }, < name: "b" > ]',
        "layer [ ]",
        "input_dim: [0x1F, 017, -5, - 5, 0] input_dim: 7",
        "input_dim: -2147483648 input_dim: 2147483647",
        "input_dim: 2147483648",
        "input_dim: -2147483649",
        "input_dim: 1.5",
        "input_dim: 1a",
        "input_dim: 1,,",
        "input_dim: 1;,",
        "input_dim: [1 2]",
        "input_dim: [1,]",
        "input_dim: []",
        "input_dim [1]",
        "input_dim: 0x",
        "input_dim: 09",
        'name: "a" name: "b"',
        "state { phase: TEST } state { level: 2 }",
        "state { phase: 1 }",
        "state { phase: 5 }",
        "state { phase: -1 }",
        'state { phase: "TEST" }',
        "state { phase: TESTING }",
        "force_backward: t debug_info: 0",
        "force_backward: True",
        "force_backward: TRUE",
        "force_backward: 01",
        "force_backward: 2",
        "force_backward: -0",
        "layer { loss_weight: 1e3 loss_weight: 1f loss_weight: 2.5F loss_weight: .5 loss_weight: 3. }",
        "layer { loss_weight: inf loss_weight: -INF loss_weight: Infinity loss_weight: nan }",
        "layer { loss_weight: 1e400 loss_weight: 3.4028236e38 loss_weight: 1e-50 loss_weight: 1e-45 }",
        "layer { loss_weight: 99999999999999999999999 loss_weight: -0 loss_weight: 16777217 }",
        "layer { loss_weight: [0.1, 0.3, 1234567, 123456789, 1e10, 1e-5, 0.0001, 100000, 1000000] }",
        "layer { loss_weight: 0x10 }",
        "layer { loss_weight: 010 }",
        "layer { loss_weight: 00 }",
        "layer { loss_weight: 1..5 }",
        "layer { loss_weight: 1e }",
        "layer { loss_weight: +1 }",
        "layer { loss_weight: inff }",
        'layer { loss_weight: "1" }',
        r'name: "\a\b\f\n\r\t\v\\\?\'\" \101\7\x41\x4"',
        r'name: "\u00e9\U0001F600\ud83d\ude00"',
        r'name: "\q"',
        r'name: "\x"',
        r'name: "\u12"',
        "name: \"a\nb\"",
        'name: "a',
        "name: a",
        "name: 5",
        'name: ["a"]',
        'name "a"',
        'name: "é"',
        "name\t:\r\n\v\f\"white space\"",
        "name: 'it''s'",
        "nmae: 'a'",
        "layer {",
        "layer { > ",
        "layer [ { }",
        "layer: [",
        'layer { name: "a" } }',
        "layer:: { }",
        "5: 1",
        "[caffe.extension]: 1",
        "// comment",
        'name:"a"input:"b"',
    ]
]


def pool():
    with tempfile.NamedTemporaryFile() as file:
        command = ["protoc", "-I", SCHEMA, f"--descriptor_set_out={file.name}", "caffe.proto"]
        subprocess.run(command, check=True)
        files = descriptor_pb2.FileDescriptorSet.FromString(pathlib.Path(file.name).read_bytes())
    result = descriptor_pool.DescriptorPool()
    for file in files.file:
        result.Add(file)
    return result


def scalar(field, dice):
    kinds = {
        Field.TYPE_INT32: lambda: dice.choice([0, -1, 2**31 - 1, -(2**31), dice.randint(-99, 99)]),
        Field.TYPE_INT64: lambda: dice.choice([0, -1, 2**63 - 1, -(2**63), dice.randint(-99, 99)]),
        Field.TYPE_UINT32: lambda: dice.choice([0, 2**32 - 1, dice.randint(0, 99)]),
        Field.TYPE_UINT64: lambda: dice.choice([0, 2**63 - 1, dice.randint(0, 99)]),
        Field.TYPE_FLOAT: lambda: dice.choice([0.0, float("inf"), dice.gauss(0, 10) ** 5]),
        Field.TYPE_DOUBLE: lambda: dice.choice([0.0, float("-inf"), dice.gauss(0, 10) ** 9]),
        Field.TYPE_BOOL: lambda: dice.random() < 0.5,
        Field.TYPE_STRING: lambda: "".join(dice.choices("ab \"'\\\n\té√😀", k=dice.randint(0, 6))),
        Field.TYPE_BYTES: lambda: dice.randbytes(dice.randint(0, 9)),
        Field.TYPE_ENUM: lambda: dice.choice(field.enum_type.values).number,
    }
    return kinds[field.type]()


def fill(message, dice, share):
    for field in message.DESCRIPTOR.fields:
        if field.label != Field.LABEL_REQUIRED and dice.random() > share:
            continue
        count = dice.randint(1, 3) if field.label == Field.LABEL_REPEATED else 1
        for _ in range(count):
            if field.type == Field.TYPE_MESSAGE:
                target = getattr(message, field.name)
                inner = target.add() if field.label == Field.LABEL_REPEATED else target
                inner.SetInParent()
                fill(inner, dice, share * 0.6)
            elif field.label == Field.LABEL_REPEATED:
                getattr(message, field.name).append(scalar(field, dice))
            else:
                setattr(message, field.name, scalar(field, dice))


def random_cases():
    dice = random.Random(20)
    types = pool()
    for name in types.FindFileByName("caffe.proto").message_types_by_name:
        prototype = types.FindMessageTypeByName(f"caffe.{name}")
        message = message_factory.MessageFactory(types).GetPrototype(prototype)()
        fill(message, dice, 0.2 if len(prototype.fields) > 15 else 0.8)
        styles = [{}, {"as_one_line": True}, {"use_short_repeated_primitives": True},
                  {"pointy_brackets": True, "as_utf8": True}]
        yield name, text_format.MessageToString(message, **dice.choice(styles))


def protoc(option, name, data):
    command = ["protoc", "-I", SCHEMA, f"--{option}=caffe.{name}", "caffe.proto"]
    return subprocess.run(command, input=data, capture_output=True)


def main():
    cases = []
    for name, text in BY_HAND + list(random_cases()):
        encoded = protoc("encode", name, text.encode())
        case = {"message": name, "text": text, "accepted": encoded.returncode == 0}
        if case["accepted"]:
            case["binary"] = base64.b64encode(encoded.stdout).decode()
            case["printed"] = protoc("decode", name, encoded.stdout).stdout.decode()
        cases.append(case)
    pathlib.Path("text_corpus.json").write_text(json.dumps(cases, indent=1) + "\n")


main()
