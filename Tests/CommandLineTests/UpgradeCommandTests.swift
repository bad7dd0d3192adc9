import CaffeTestSupport
import Foundation
import Testing

struct UpgradeCommandTests {
  private func write(_ text: String, _ path: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  }

  private func read(_ path: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
  }

  @Test func upgradesANet() throws {
    try withFolder { folder in
      let (old, new) = (folder + "/old.prototxt", folder + "/new.prototxt")
      try write(#"layers { name: "r" type: RELU bottom: "x" top: "y" }"#, old)
      let result = try Run.once("upgrade-net", old, new)
      #expect(result.status == 0)
      for line in [
        "Attempting to upgrade input file specified using deprecated V1LayerParameter: \(old)",
        "Successfully upgraded file specified using deprecated V1LayerParameter",
        "Wrote upgraded NetParameter text proto to \(new)",
      ] { #expect(result.errors.contains("] \(line)\n"), "\(result.errors)") }
      #expect(
        try read(new) == """
          layer {
            name: "r"
            type: "ReLU"
            bottom: "x"
            top: "y"
          }

          """)
      let again = try Run.once("upgrade-net", new, folder + "/same.prototxt")
      #expect(again.status == 0)
      #expect(again.errors.contains("] File already in latest proto format: \(new)\n"))
      #expect(try read(folder + "/same.prototxt") == read(new))
    }
  }

  /// Names of Caffe's programs; what has no place in today's form is an error, after writing.
  @Test func leavesOutWhatHasNoPlace() throws {
    try withFolder { folder in
      let (old, new) = (folder + "/old.prototxt", folder + "/new.prototxt")
      let text = { (field: String) in
        "layers { bottom: \"x\" top: \"y\" layer { name: \"r\" type: \"relu\" \(field) } }"
      }
      try write(text("num_output: 3"), old)
      let result = try Run.once("upgrade_net_proto_text", old, new)
      #expect(result.status == 1)
      #expect(result.errors.contains("] Unknown parameter num_output for layer type relu\n"))
      #expect(
        result.errors.contains("] Warning: had one or more problems upgrading V0NetParameter"))
      #expect(try read(new).contains("type: \"ReLU\""))
      try write(text(""), old)
      let whole = try Run.once("upgrade_net_proto_text", old, new)
      #expect(whole.status == 0 && whole.errors.contains("Successfully upgraded"))
    }
  }

  @Test func trainingTellsOfAnOlderForm() throws {
    let shop = try Workshop(solver: "net: \"old.prototxt\" max_iter: 1 snapshot_prefix: \"tiny\"")
    try shop.folder.write(
      "old.prototxt",
      """
      layers { name: "d" type: DUMMY_DATA top: "a" top: "b"
        dummy_data_param { num: 2 channels: 1 height: 1 width: 1 } }
      layers { name: "ip" type: INNER_PRODUCT bottom: "a" top: "c" inner_product_param { num_output: 1 } }
      layers { name: "loss" type: EUCLIDEAN_LOSS bottom: "c" bottom: "b" top: "loss" }
      """)
    let outcome = try shop.run("train", "--solver", "solver.prototxt")
    #expect(outcome.status == 0, "\(outcome)")
    #expect(
      outcome.log.contains(
        "Attempting to upgrade input file specified using deprecated V1LayerParameter: old.prototxt"
      ), "\(outcome)")
  }

  @Test func upgradesABinaryNet() throws {
    try withFolder { folder in
      let old = folder + "/old.caffemodel"
      // NetParameter.name = 1: "n"; layers = 2 { bottom = 2: "x" top = 3: "y" name = 4: "r" type = 5: RELU (18) }
      let bytes: [UInt8] = [
        0x0A, 1, 0x6E, 0x12, 11, 0x12, 1, 0x78, 0x1A, 1, 0x79, 0x22, 1, 0x72, 0x28, 18,
      ]
      try Data(bytes).write(to: URL(fileURLWithPath: old))
      let new = folder + "/new.caffemodel"
      #expect(try Run.once("upgrade_net_proto_binary", old, new).status == 0)
      try FileManager.default.removeItem(atPath: new)
      let result = try Run.once("upgrade-net", "--binary", old, new)
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.errors.contains("Wrote upgraded NetParameter binary proto to \(new)"))
      // layer = 100 { name = 1 type = 2: "ReLU" bottom = 3 top = 4 }
      let expected: [UInt8] = [
        0x0A, 1, 0x6E, 0xA2, 0x06, 15, 0x0A, 1, 0x72, 0x12, 4, 0x52, 0x65, 0x4C, 0x55, 0x1A, 1,
        0x78, 0x22, 1, 0x79,
      ]
      #expect(try Array(Data(contentsOf: URL(fileURLWithPath: new))) == expected)
    }
  }

  @Test func upgradesASolver() throws {
    try withFolder { folder in
      let (old, new) = (folder + "/old.prototxt", folder + "/new.prototxt")
      try write("net: \"a.prototxt\"\nsolver_type: ADAM", old)
      let result = try Run.once("upgrade_solver_proto_text", old, new)
      #expect(result.status == 0)
      #expect(result.errors.contains("Wrote upgraded SolverParameter text proto to \(new)"))
      #expect(try read(new) == "net: \"a.prototxt\"\ntype: \"Adam\"\n")
    }
  }

  /// Status 2 says that the input is no such file; the output does not appear.
  @Test(arguments: ["upgrade-net", "upgrade-solver"]) func refusesOtherFiles(_ command: String)
    throws
  {
    try withFolder { folder in
      let kind = command == "upgrade-net" ? "NetParameter" : "SolverParameter"
      let (old, new) = (folder + "/old.prototxt", folder + "/new.prototxt")
      try write("no_such_field: 1", old)
      for input in [old, folder + "/missing.prototxt"] {
        let result = try Run.once(command, input, new)
        #expect(result.status == 2)
        #expect(result.errors.contains("Failed to parse input text file as \(kind): \(input)\n"))
        #expect(!FileManager.default.fileExists(atPath: new))
      }
      #expect(try Run.once(command, old).status == 64)
    }
  }
}
