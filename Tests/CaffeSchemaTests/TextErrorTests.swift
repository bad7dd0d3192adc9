import CaffeErrors
import CaffeSchema
import Testing

/// Each way a prototxt can be wrong, and the whole sentence the user reads.
struct TextErrorTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let text: String
    let error: String
    var testDescription: String { text }

    init(_ text: String, _ error: String) {
      self.text = text
      self.error = error
    }
  }

  static let names = [
    Case(
      "layer {\n  convolution_param {\n    num_ouput: 20 } }",
      "3:5: ConvolutionParameter has no field \"num_ouput\"; did you mean \"num_output\"?"),
    Case("qwerty: 1", "1:1: NetParameter has no field \"qwerty\""),
    Case(
      "layer { kernel_h: 3 }",
      "1:9: LayerParameter has no field \"kernel_h\"; it belongs inside one of convolution_param, "
        + "pooling_param"),
    Case(
      "layer { dropout_ratio: 0.5 }",
      "1:9: LayerParameter has no field \"dropout_ratio\"; write it inside dropout_param { }"),
    Case(
      "layer { pooling_param { top: \"a\" } }",
      "1:25: PoolingParameter has no field \"top\"; LayerParameter, which is around it, has one"),
    Case(
      "layer { roi_pooling_param { } }",
      "1:9: LayerParameter has no field \"roi_pooling_param\"; it is an extension of "
        + "Fast R-CNN (rbgirshick)"),
    Case(
      "name: \"a\" name: \"b\"",
      "1:11: NetParameter takes one \"name\", but it is given a second time"),
    Case("5: 1", "1:1: expected a field of NetParameter, got 5"),
    Case(
      "[a.b]: 1", "1:1: NetParameter has no extensions, so '[' cannot start a field"),
    Case(
      "/* c */", "1:1: expected a field of NetParameter, got '/'; a comment starts with '#'"),
    Case("layer { } }", "1:11: this '}' closes nothing that is open"),
  ]

  static let values = [
    Case(
      "state { phase: TSET }", "1:16: phase of NetState has no value TSET; did you mean TEST?"),
    Case(
      "state { phase: VALIDATION }",
      "1:16: phase of NetState has no value VALIDATION; it can be TRAIN, TEST"),
    Case("state { phase: 5 }", "1:16: phase of NetState has no value numbered 5"),
    Case(
      "state { phase: \"TEST\" }",
      "1:16: phase of NetState must be a name without quotes (TRAIN, TEST), got \"TEST\""),
    Case(
      "input_dim: 2147483648",
      "1:12: input_dim of NetParameter must be an integer from -2147483648 to 2147483647, "
        + "got 2147483648"),
    Case("input_dim: 1.5", "1:12: input_dim of NetParameter must be an integer, got 1.5"),
    Case(
      "layer { pooling_param { pad: -1 } }",
      "1:31: pad of PoolingParameter must be an integer from 0 to 4294967295, got -1"),
    Case(
      "force_backward: yes",
      "1:17: force_backward of NetParameter must be true or false, got yes"),
    Case("name: LeNet", "1:7: name of NetParameter must be a string in quotes, got LeNet"),
    Case(
      "layer { loss_weight: heavy }",
      "1:22: loss_weight of LayerParameter must be a number, got heavy"),
    Case(
      "layer { loss_weight: 010 }",
      "1:22: loss_weight of LayerParameter must be a decimal number, got 010"),
    Case("name \"a\"", "1:6: \"name\" needs a ':' and a value, got \"a\""),
    Case("state: TEST", "1:8: \"state\" is a NetState and needs '{', got TEST"),
    Case(
      "input_dim: [1 2]", "1:15: expected ',' or ']' in the list opened at line 1, column 12, got 2"
    ),
    Case(
      "layer { clip_param { min: 1 } }", "1:9: ClipParameter needs \"max\""),
    Case("layer {\n clip_param { } }", "2:2: ClipParameter needs \"min\" and \"max\""),
  ]

  static let tokens = [
    Case(
      "layer {\n  state",
      "2:3: LayerParameter has no field \"state\"; NetParameter, which is around it, has one"),
    Case(
      "layer {\n  name: 'a'\n", "3:1: the '{' of \"layer\" opened at line 1, column 7 has no '}'"),
    Case("name: \"a\nb\"", "1:7: this string has no closing \" on its line"),
    Case("name: 'a", "1:7: this string has no closing ' on its line"),
    Case("name: 'a\\", "1:7: this string has no closing ' on its line"),
    Case("name: \"é\\q\"", "1:9: \"\\q\" is no escape sequence"),
    Case("input_dim: 1a", "1:13: a number and a name need a space between them"),
    Case("input_dim: 0x", "1:12: '0x' needs hexadecimal digits after it"),
    Case("input_dim: 08", "1:12: a number that starts with 0 is octal: digits 0 to 7"),
    Case(
      "layer { loss_weight: 1..2 }", "1:24: a number has one decimal point, before its exponent"),
    Case("layer { loss_weight: 1e }", "1:24: an exponent needs digits"),
    Case("input_dim: 017.5", "1:15: hexadecimal and octal numbers are integers"),
    Case(
      "input_dim:", "1:11: input_dim of NetParameter must be an integer, got the end of the file"),
  ]

  @Test(arguments: names + values + tokens)
  func saysWhatAndWhere(_ c: Case) {
    let error = #expect(throws: CaffeError.self) {
      try NetParameter(text: c.text, file: "net.prototxt")
    }
    #expect(error?.description == "net.prototxt:" + c.error)
  }

  @Test func namesWhatIsNoText() throws {
    let model = String(decoding: try SchemaGoldens.bytes("solver/net.prototxt"), as: UTF8.self)
    #expect(throws: Never.self) { try NetParameter(text: "\u{FEFF}" + model, file: "bom") }
    let path = SchemaGoldens.path("solver/init.caffemodel")
    let binary = #expect(throws: CaffeError.self) { try NetParameter(contentsOfTextFile: path) }
    #expect(binary?.description == "\(path) is a binary protobuf, not text")
    #expect(
      error(of: [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]) == "f is an HDF5 file, not text")
    #expect(error(of: [0xFF, 0xFE, 0x6E, 0]) == "f is UTF-16 text; save it as UTF-8")
    #expect(error(of: [0, 1, 2]) == "f is a binary file, not text")
    #expect(
      error(of: Array("name: \"".utf8) + [0xC3, 0x28, 0x22])
        == "f:1:7: name of NetParameter is not UTF-8 text")
  }

  private func error(of bytes: [UInt8]) -> String? {
    #expect(throws: CaffeError.self) {
      try FieldStore(text: bytes, type: NetParameter.descriptor, file: "f")
    }?.description
  }

  @Test func namesFilesThatCannotBeRead() {
    let missing = #expect(throws: CaffeError.self) {
      try NetParameter(contentsOfTextFile: "/nowhere/net.prototxt")
    }
    #expect(missing?.description == "File not found: /nowhere/net.prototxt")
    let folder = #expect(throws: CaffeError.self) { try NetParameter(contentsOfTextFile: "/tmp") }
    #expect(folder?.description == "/tmp is a folder, not a file")
  }

  @Test func messagesKnowWhereTheyWereWritten() throws {
    let text = "name: 'a'\r\nlayer { name: 'x' }\r\n\tlayer: {\n pooling_param { } }"
    let net = try NetParameter(text: text, file: "net.prototxt")
    #expect(
      net.layer.map { "\($0.location?.description ?? "")" } == [
        "net.prototxt:2:1", "net.prototxt:3:2",
      ])
    #expect(net.layer[1].poolingParam.location?.line == 4)
    #expect(try net == NetParameter(text: net.text(), file: "printed"))
  }
}
