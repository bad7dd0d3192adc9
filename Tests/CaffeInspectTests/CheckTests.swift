import CaffeCore
import CaffeErrors
import CaffeInspect
import CaffeSchema
import CaffeTestSupport
import Testing

/// What `caffe-swift check` finds.
@Suite struct CheckTests {
  /// A net with mistakes: one layer a line, the first on line 1.
  struct Broken: CustomTestStringConvertible, Sendable {
    let name: String
    let layers: [String]
    /// `line severity: words that the finding contains`, in order.
    let findings: [String]
    var testDescription: String { name }
  }

  private static let data =
    #"layer { name: "in" type: "Input" top: "data" top: "label" input_param { shape { dim: 2 dim: 3 dim: 8 dim: 8 } shape { dim: 2 dim: 1 } } }"#
  private static let ip =
    #"layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }"#
  private static let loss =
    #"layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }"#

  static let nets: [Broken] = [
    Broken(
      name: "fields and values that cannot be read",
      layers: [
        data,
        #"layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_ouput: 4 kernel_size: "3" } }"#,
        #"layer { name: "p" type: "Pooling" bottom: "c" top: "p" pooling_param { pool: MAXX kernel_size: 2 } }"#,
        "lyer { }",
      ],
      findings: [
        "2 error: did you mean \"num_output\"?", "2 error: kernel_size",
        "3 error: did you mean MAX?",
        "4 error: did you mean \"layer\"?",
      ]),
    Broken(
      name: "a bracket that nothing closes", layers: [data, #"layer { name: "x" lr: 1 "#],
      findings: ["2 error: LayerParameter has no field \"lr\"", "3 error: has no '}'"]),
    Broken(
      name: "types, settings and blobs",
      layers: [
        data, #"layer { name: "r" type: "Relu" bottom: "data" top: "r" }"#,
        #"layer { name: "a" type: "InnerProduct" bottom: "r" top: "a" }"#,
        #"layer { name: "b" type: "TanH" bottom: "x" top: "b" }"#,
        #"layer { name: "e" type: "Eltwise" bottom: "y" bottom: "z" top: "e" }"#,
      ],
      findings: [
        "2 error: did you mean \"ReLU\"?", "3 error: num_output must be positive, got 0",
        "4 error: Unknown bottom blob 'x'", "5 error: Unknown bottom blob 'y'",
        "5 error: Unknown bottom blob 'z'",
      ]),
    Broken(
      name: "shapes on two branches",
      layers: [
        data,
        #"layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 4 kernel_size: 9 } }"#,
        #"layer { name: "d" type: "ReLU" bottom: "c" top: "d" }"#,
        #"layer { name: "s" type: "Slice" bottom: "data" top: "s" top: "t" slice_param { axis: 7 } }"#,
      ],
      findings: [
        "2 error: kernel_size 9 does not fit into the bottom's 8",
        "4 error: axis 7 is out of range",
      ]),
    Broken(
      name: "counts of blobs",
      layers: [
        data, #"layer { name: "r" type: "ReLU" bottom: "data" bottom: "label" top: "r" }"#,
        #"layer { name: "l" type: "SoftmaxWithLoss" bottom: "data" top: "l" }"#,
      ],
      findings: ["2 error: ReLU Layer takes 1 bottom", "3 error: SoftmaxWithLoss Layer takes"]),
    Broken(
      name: "tops made twice, in place",
      layers: [
        data, ip, #"layer { name: "again" type: "TanH" bottom: "data" top: "ip" }"#,
        #"layer { name: "flat" type: "InnerProduct" bottom: "ip" top: "ip" inner_product_param { num_output: 2 } }"#,
      ],
      findings: [
        "3 error: Top blob 'ip' produced by multiple sources",
        "4 error: does not allow in-place computation",
      ]),
    Broken(
      name: "parameters, loss weights, rules",
      layers: [
        data,
        ip.replacing(#"top: "ip""#, with: #"top: "ip" param { } param { } param { }"#),
        #"layer { name: "e" type: "EuclideanLoss" bottom: "data" bottom: "data" top: "e" loss_weight: [1, 2] }"#,
        #"layer { name: "r" type: "ReLU" bottom: "data" top: "r" include { phase: TRAIN } exclude { stage: "x" } }"#,
      ],
      findings: [
        "2 error: Too many params specified", "3 error: loss_weight must be unspecified or",
        "4 error: Specify either include rules or exclude rules; not both.",
      ]),
    Broken(
      name: "fillers",
      layers: [
        data, ip.replacing("xavier", with: "xavir"),
        #"layer { name: "p" type: "InnerProduct" bottom: "data" top: "p" inner_product_param { num_output: 5 weight_filler { type: "uniform" sparse: 3 } } }"#,
      ],
      findings: [
        "2 error: did you mean \"xavier\"?",
        "3 error: Sparsity not supported by the uniform filler.",
      ]),
    Broken(
      name: "gradients to labels",
      layers: [
        data,
        ip.replacing("data", with: "label").replacing("\"ip\"", with: "\"il\"")
          .replacing("num_output: 5", with: "num_output: 1"), ip,
        loss.replacing("label", with: "il"),
      ],
      findings: ["4 error: cannot backpropagate to label inputs"]),
    Broken(
      name: "data that is not there, mistakes above it",
      layers: [
        #"layer { name: "d" type: "Data" top: "data" top: "label" data_param { source: "nowhere" batch_size: 4 } }"#,
        ip.replacing("num_output: 5", with: "num_output: 0"),
        loss.replacing(#"bottom: "ip""#, with: #"bottom: "pi""#),
      ],
      findings: [
        "1 warning: data_param.source: nowhere: No such file or directory",
        "2 error: num_output must be positive", "3 error: did you mean 'ip'?",
      ]),
    Broken(
      name: "only warnings",
      layers: [
        data, ip.replacing(#"weight_filler { type: "xavier" }"#, with: ""),
        #"layer { name: "n" type: "BatchNorm" bottom: "ip" top: "n" }"#,
        #"layer { name: "s" type: "Softmax" bottom: "n" top: "s" }"#,
        loss.replacing("\"ip\"", with: "\"s\""),
        #"layer { name: "u" type: "TanH" bottom: "ip" top: "u" }"#,
      ],
      findings: [
        "2 warning: begin at constant 0", "3 warning: no Scale layer follows",
        "5 warning: takes the softmax itself", "6 warning: no layer reads its top 'u'",
      ]),
    Broken(
      name: "a bracket too many", layers: [data, ip, "}", "layr { }"],
      findings: ["3 error: }", "4 error: did you mean \"layer\"?"]),
    Broken(name: "nothing wrong", layers: [data, ip, loss], findings: []),
    Broken(
      name: "scaled after normalising, read twice",
      layers: [
        data, ip, #"layer { name: "n" type: "BatchNorm" bottom: "ip" top: "n" }"#,
        #"layer { name: "s" type: "Scale" bottom: "n" top: "s" scale_param { bias_term: true } }"#,
        #"layer { name: "m" type: "Reduction" bottom: "n" top: "m" loss_weight: 1 }"#,
        loss.replacing("\"ip\"", with: "\"s\""),
      ], findings: []),
  ]

  @Test(arguments: nets)
  func everyProblemIsFoundOnce(_ net: Broken) throws {
    let folder = try TemporaryFolder()
    let lines = net.layers.joined(separator: "\n") + "\n"
    try folder.write("net.prototxt", lines)
    let findings = FileCheck(net: folder("net.prototxt")).findings
    #expect(findings.count == net.findings.count, "\(findings)")
    for (finding, expected) in zip(findings, net.findings) {
      let parts = expected.split(separator: ": ", maxSplits: 1)
      #expect("\(finding.line ?? 0) \(finding.severity.rawValue)" == parts[0], "\(finding)")
      #expect(finding.text.contains(parts[1]), "\(finding)")
      #expect(finding.file == folder("net.prototxt"))
    }
  }

  @Test func givenShapesStandInForData() throws {
    let folder = try TemporaryFolder()
    let conv =
      #"layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 4 kernel_size: 9 weight_filler { type: "msra" } } }"#
    try folder.write("net.prototxt", Self.nets[9].layers[0] + "\n" + conv)
    let blind = FileCheck(net: folder("net.prototxt")).findings
    #expect(blind.map(\.severity) == [.warning])
    let given = FileCheck(net: folder("net.prototxt"), given: try GivenShapes(["data=4,1,8,8"]))
    #expect(given.findings.map(\.line) == [2], "\(given.findings)")
    let stranger = FileCheck(net: folder("net.prototxt"), given: try GivenShapes(["dat=4"]))
    #expect("\(stranger.findings)".contains("no data layer with a top 'dat' (it has: data, label)"))
  }

  @Test(arguments: ["data", "data=", "data=4,x", "=4", "data=-1"])
  func malformedShapesAreRefused(text: String) throws {
    #expect(!refusal { _ = try GivenShapes([text]) }.hasPrefix("("), "\(text)")
  }

  @Test func aSolverIsCheckedWithItsNets() throws {
    let folder = try TemporaryFolder()
    try SmallData.writeLMDB(to: folder, count: 40)
    let data = """
      layer { name: "d" type: "Data" top: "data" top: "label" data_param { source: "\(folder("data"))" batch_size: 8 backend: LMDB } }
      """
    try folder.write("net.prototxt", [data, Self.ip, Self.loss].joined(separator: "\n"))
    try folder.write("lossless.prototxt", [data, Self.ip].joined(separator: "\n"))
    func findings(_ solver: String) throws -> [String] {
      try folder.write("solver.prototxt", solver.replacing("FOLDER", with: folder.path))
      return FileCheck(solver: folder("solver.prototxt")).findings.map(\.text)
    }
    let sound = #"net: "FOLDER/net.prototxt" lr_policy: "fixed" base_lr: 0.1 test_interval: 5 "#
    #expect(try findings(sound + "test_iter: 5") == [])
    #expect(try findings(sound + "test_iter: 3").first?.contains("only 24 of the 40") == true)
    #expect(try findings(sound + "test_iter: 6").first?.contains("8 of the 40") == true)
    #expect(
      try findings(sound + "test_iter: 5 iter_size: 0") == ["iter_size must be at least 1, got 0"])
    let unknown = try findings(sound + "test_iter: 5 momentu: 0.9 lr_polic: \"x\"")
    #expect(unknown.count == 2, "\(unknown)")
    let lossless = try findings(sound.replacing("net.proto", with: "lossless.proto"))
    #expect(lossless.contains { $0.contains("no loss") }, "\(lossless)")
  }

  /// Weights go into the first layer of a name; snapshots in HDF5 cannot hold those of two.
  @Test(arguments: [
    ("", "3: warning: layer 'd' (InnerProduct): a layer before it has its name: weights are"),
    (
      "snapshot_format: HDF5",
      "3: error: layer 'd' (InnerProduct): a layer before it has its name, and"
    ),
    ("snapshot_format: HDF5 snapshot_after_train: false", "3: warning: layer 'd'"),
  ])
  func namesGivenTwiceAreTold(fields: String, words: String) throws {
    let folder = try TemporaryFolder()
    let layer =
      #"layer { name: "d" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }"#
    let second = layer.replacing("bottom: \"data\" top: \"ip\"", with: "bottom: \"ip\" top: \"jp\"")
    let loss = Self.loss.replacing("bottom: \"ip\"", with: "bottom: \"jp\"")
    try folder.write("net.prototxt", [Self.data, layer, second, loss].joined(separator: "\n"))
    try folder.write(
      "solver.prototxt",
      "net: \"\(folder("net.prototxt"))\" lr_policy: \"fixed\" base_lr: 0.1 snapshot_prefix: \"\(folder("x"))\" test_iter: 1 test_interval: 5 \(fields)"
    )
    let findings = FileCheck(solver: folder("solver.prototxt")).findings.map(\.description)
    #expect(findings.count == 1, "\(findings)")
    #expect(findings.first?.contains("net.prototxt:" + words) == true, "\(findings)")
    let alone = FileCheck(net: folder("net.prototxt")).findings.map(\.description)
    #expect(alone.count == 1 && alone.first?.contains("3: warning: layer 'd'") == true, "\(alone)")
  }
}
