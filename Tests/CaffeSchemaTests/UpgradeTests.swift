import CaffeErrors
import CaffeSchema
import Testing

/// Nets of older forms, and the same nets as they are written today.
struct UpgradeTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let old: String
    let new: String
    var remarks: [String] = []
    var testDescription: String { name }
  }

  static let v0 = [
    Case(
      name: "V0 convolution, padding and pooling",
      old: """
        name: "old"
        layers { layer { name: "pad1" type: "padding" pad: 2 } bottom: "data" top: "pad1" }
        layers {
          layer {
            name: "conv1" type: "conv" num_output: 8 biasterm: false kernelsize: 5 stride: 2 group: 2
            weight_filler { type: "gaussian" std: 0.01 }
            blobs_lr: 1 blobs_lr: 2 weight_decay: 1 weight_decay: 0
          }
          bottom: "pad1" top: "conv1"
        }
        layers { layer { name: "relu1" type: "relu" } bottom: "conv1" top: "conv1" }
        layers { layer { name: "pool1" type: "pool" pool: AVE kernelsize: 3 stride: 2 pad: 1 } bottom: "conv1" top: "pool1" }
        layers { layer { name: "n" type: "lrn" local_size: 3 alpha: 0.1 beta: 0.5 k: 2 } bottom: "pool1" top: "n" }
        layers { layer { name: "fc" type: "innerproduct" num_output: 10 biasterm: true } bottom: "n" top: "fc" }
        layers { layer { name: "drop" type: "dropout" dropout_ratio: 0.3 } bottom: "fc" top: "fc" }
        layers { layer { name: "cat" type: "concat" concat_dim: 0 } bottom: "fc" top: "cat" }
        layers { layer { name: "loss" type: "softmax_loss" } bottom: "cat" bottom: "label" }
        """,
      new: """
        name: "old"
        layer {
          name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
          param { lr_mult: 1 decay_mult: 1 } param { lr_mult: 2 decay_mult: 0 }
          convolution_param {
            num_output: 8 bias_term: false pad: 2 kernel_size: 5 stride: 2 group: 2
            weight_filler { type: "gaussian" std: 0.01 }
          }
        }
        layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
        layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1"
          pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 } }
        layer { name: "n" type: "LRN" bottom: "pool1" top: "n" lrn_param { local_size: 3 alpha: 0.1 beta: 0.5 k: 2 } }
        layer { name: "fc" type: "InnerProduct" bottom: "n" top: "fc" inner_product_param { num_output: 10 bias_term: true } }
        layer { name: "drop" type: "Dropout" bottom: "fc" top: "fc" dropout_param { dropout_ratio: 0.3 } }
        layer { name: "cat" type: "Concat" bottom: "fc" top: "cat" concat_param { concat_dim: 0 } }
        layer { name: "loss" type: "SoftmaxWithLoss" bottom: "cat" bottom: "label" }
        """),
    Case(
      name: "V0 data layers",
      old: """
        layers { layer { name: "a" type: "data" source: "db" batchsize: 4 scale: 0.5 meanfile: "m" cropsize: 9 mirror: true rand_skip: 3 } top: "data" }
        layers { layer { name: "b" type: "images" source: "list" batchsize: 4 shuffle_images: true new_height: 5 new_width: 6 } top: "image" }
        layers { layer { name: "c" type: "window_data" source: "w" batchsize: 2 det_fg_threshold: 0.6 det_bg_threshold: 0.4 det_fg_fraction: 0.3 det_context_pad: 16 det_crop_mode: "square" } top: "window" }
        layers { layer { name: "d" type: "hdf5_output" hdf5_output_param { file_name: "f" } } bottom: "data" }
        layers { layer { name: "e" type: "relu" num_output: 3 } bottom: "data" top: "e" }
        """,
      new: """
        layer { name: "a" type: "Data" top: "data" transform_param { scale: 0.5 mean_file: "m" crop_size: 9 mirror: true }
          data_param { source: "db" batch_size: 4 rand_skip: 3 } }
        layer { name: "b" type: "ImageData" top: "image" image_data_param { source: "list" batch_size: 4 shuffle: true new_height: 5 new_width: 6 } }
        layer { name: "c" type: "WindowData" top: "window" window_data_param { source: "w" batch_size: 2 fg_threshold: 0.6 bg_threshold: 0.4 fg_fraction: 0.3 context_pad: 16 crop_mode: "square" } }
        layer { name: "d" type: "HDF5Output" bottom: "data" hdf5_output_param { file_name: "f" } }
        layer { name: "e" type: "ReLU" bottom: "data" top: "e" }
        """,
      remarks: [
        "Unknown parameter num_output for layer type relu", NetParameter.incompleteUpgrade,
      ]),
  ]

  static let v1 = [
    Case(
      name: "V1 layer with shared parameters",
      old: """
        layers {
          name: "ip" type: INNER_PRODUCT bottom: "a" bottom: "b" top: "ip"
          blobs_lr: 1 blobs_lr: 2 weight_decay: 0.5 param: "w" param: "b"
          blob_share_mode: PERMISSIVE loss_weight: 2 include { phase: TEST } exclude { stage: "s" }
          inner_product_param { num_output: 3 }
        }
        """,
      new: """
        layer {
          name: "ip" type: "InnerProduct" bottom: "a" bottom: "b" top: "ip"
          param { name: "w" lr_mult: 1 decay_mult: 0.5 share_mode: PERMISSIVE } param { name: "b" lr_mult: 2 }
          loss_weight: 2 include { phase: TEST } exclude { stage: "s" }
          inner_product_param { num_output: 3 }
        }
        """),
    Case(
      name: "V1 data layer with its own transformations",
      old: """
        layers { name: "d" type: DATA top: "data" data_param { source: "db" scale: 0.5 mirror: true crop_size: 7 mean_file: "m" } }
        layers { name: "w" type: WINDOW_DATA top: "w" window_data_param { source: "list" mirror: true } transform_param { scale: 2 } }
        """,
      new: """
        layer { name: "d" type: "Data" top: "data" data_param { source: "db" }
          transform_param { scale: 0.5 mirror: true crop_size: 7 mean_file: "m" } }
        layer { name: "w" type: "WindowData" top: "w" window_data_param { source: "list" } transform_param { scale: 2 mirror: true } }
        """),
  ]

  static let fields = [
    Case(
      name: "input and input_dim",
      old:
        #"input: "a" input: "b" input_dim: [1, 3, 5, 7, 2, 1, 1, 1] layer { name: "r" type: "ReLU" }"#,
      new: """
        layer { name: "input" type: "Input" top: "a" top: "b" input_param { shape { dim: [1, 3, 5, 7] } shape { dim: [2, 1, 1, 1] } } }
        layer { name: "r" type: "ReLU" }
        """),
    Case(
      name: "input and input_shape",
      old: #"input: "a" input_shape { dim: 2 dim: 3 }"#,
      new: #"layer { name: "input" type: "Input" top: "a" input_param { shape { dim: [2, 3] } } }"#),
    Case(
      name: "more shapes than inputs",
      old: #"input: "a" input_shape { dim: 2 } input_shape { dim: 3 }"#,
      new: #"layer { name: "input" type: "Input" top: "a" input_param { shape { dim: 2 } } }"#),
    Case(
      name: "more extents than four for an input", old: #"input: "a" input_dim: [1, 2, 3, 4, 5]"#,
      new:
        #"layer { name: "input" type: "Input" top: "a" input_param { shape { dim: [1, 2, 3, 4] } } }"#
    ),
    Case(
      name: "input alone", old: #"input: "a" name: "n""#, new: #"name: "n""#,
      remarks: ["Dropping input 'a': the net gives no input_shape and no input_dim"]),
    Case(
      name: "BatchNorm with learning rates",
      old:
        #"layer { name: "b" type: "BatchNorm" param { lr_mult: 1 name: "m" } param { } param { lr_mult: 0 } }"#,
      new: """
        layer { name: "b" type: "BatchNorm" param { lr_mult: 0 decay_mult: 0 name: "m" }
          param { lr_mult: 0 decay_mult: 0 } param { lr_mult: 0 decay_mult: 0 } }
        """),
  ]

  @Test(arguments: v0 + v1 + fields)
  func becomesTodaysForm(_ c: Case) throws {
    let old = try NetParameter(text: c.old, file: "old.prototxt")
    let expected = try NetParameter(text: c.new, file: "new.prototxt")
    let (net, notes) = try old.upgraded(file: "old.prototxt")
    #expect(net.text() == expected.text())
    #expect(net == expected)
    #expect(notes.first?.hasPrefix("Attempting to upgrade ") == true)
    #expect(notes.filter { !$0.contains("deprecated") } == c.remarks)
    #expect(try net.upgraded(file: "again").notes == [])
  }

  /// Word by word what BVLC Caffe 1.0.0 (Debian 11's package) says of the first and the last step.
  @Test(arguments: [
    (
      "layers { layer { name: \"r\" type: \"relu\" } bottom: \"a\" top: \"b\" }",
      "input file specified using deprecated V0LayerParameter: old",
      "file specified using deprecated V0LayerParameter"
    ),
    (
      "layers { name: \"d\" type: DATA top: \"d\" data_param { source: \"x\" scale: 0.5 } }",
      "input file specified using deprecated transformation parameters: old",
      "file specified using deprecated data transformation parameters."
    ),
    (
      "layers { name: \"r\" type: RELU bottom: \"a\" top: \"b\" }",
      "input file specified using deprecated V1LayerParameter: old",
      "file specified using deprecated V1LayerParameter"
    ),
    (
      "input: \"a\" input_shape { dim: 1 }",
      "input file specified using deprecated input fields: old",
      "file specified using deprecated input fields."
    ),
    (
      "layer { name: \"b\" type: \"BatchNorm\" param { lr_mult: 1 } param { lr_mult: 1 } param { lr_mult: 1 } }",
      "batch norm layers using deprecated params: old",
      "batch norm layers using deprecated params."
    ),
  ])
  func upgradesAreToldAsByCaffe(_ old: String, attempt: String, success: String) throws {
    let notes = try NetParameter(text: old, file: "old").upgraded(file: "old").notes
    #expect(
      notes.prefix(2) == ["Attempting to upgrade " + attempt, "Successfully upgraded " + success])
  }

  @Test func solverUpgradesAreToldAsByCaffe() throws {
    let solver = try SolverParameter(text: "solver_type: ADAM", file: "old")
    #expect(
      try solver.upgraded(file: "old").notes == [
        "Attempting to upgrade input file specified using deprecated 'solver_type' field (enum)': old",
        "Successfully upgraded file specified using deprecated 'solver_type' field (enum) to 'type' field (string).",
      ])
  }

  @Test(arguments: [
    (
      #"layer { name: "a" } layers { name: "b" }"#,
      "the net has both 'layer' and 'layers' fields; write every layer as 'layer' with a string type"
    ),
    (
      "\nlayers { layer { name: 'a' type: 'magic' } }",
      "line 2: layer 'a' has the unknown V0 type \"magic\""
    ),
    (
      "layers { layer { name: 'a' type: 'relu' } }\nlayers { name: 'b' }",
      "line 2: layer 'b' is V1, but others in the net are V0"
    ),
    (
      "layers { layer { name: 'p' type: 'padding' pad: 1 } bottom: 'a' top: 'b' }\nlayers { layer { name: 'r' type: 'relu' } bottom: 'b' }",
      "line 2: layer 'r' (relu) reads padding layer 'p'; only a conv or pool layer with one bottom can"
    ),
    (
      "layers { layer { name: 'p' type: 'padding' } bottom: 'a' }",
      "line 1: padding layer 'p' needs one bottom and one top"
    ),
    ("input: 'a' input: 'b' input_dim: [1, 2, 3, 4]", "2 input need 8 input_dim, got 4"),
    ("input: 'a' input: 'b' input_shape { dim: 1 }", "2 input need as many input_shape, got 1"),
  ])
  func refusesInconsistentNets(text: String, sentence: String) throws {
    let net = try NetParameter(text: text, file: "old.prototxt")
    let error = #expect(throws: CaffeError.self) { try net.upgraded(file: "old.prototxt") }
    #expect(error?.description == "old.prototxt: " + sentence)
  }

  /// Every V1 type has a name of today's, and no two the same.
  @Test func everyV1TypeHasAName() throws {
    let names = try V1LayerParameter.LayerType.allCases.map { type in
      var net = NetParameter()
      var layer = V1LayerParameter()
      layer.type = type
      net.layers = [layer]
      return try net.upgraded(file: "net").net.layer[0].type
    }
    #expect(names.count == 40)
    #expect(Set(names).count == 40)
    #expect(names.filter(\.isEmpty).count == 1)
  }

  @Test(
    arguments: zip(
      SolverParameter.SolverType.allCases,
      ["SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam"]))
  func solverTypeBecomesAString(old: SolverParameter.SolverType, new: String) throws {
    var solver = SolverParameter()
    solver.solverType = old
    let upgraded = try solver.upgraded(file: "solver.prototxt")
    #expect(upgraded.solver.type == new)
    #expect(!upgraded.solver.hasSolverType)
    #expect(upgraded.notes.count == 2)
    solver.type = "SGD"
    let error = #expect(throws: CaffeError.self) { try solver.upgraded(file: "s.prototxt") }
    #expect(
      error?.description
        == "s.prototxt: give either solver_type (\(old.protoName)) or type (\"SGD\"), not both")
  }

  @Test(arguments: [
    (nil, "a.b/solver.prototxt", "a.b/solver"),
    (nil, "a.b/solver", "a.b/solver"),
    ("mine", "solver.prototxt", "mine"),
    ("folder", "dir/solver.prototxt", "folder/solver"),
    ("folder/", "solver.prototxt", "folder/solver"),
  ])
  func snapshotPrefixFollowsTheFile(given: String?, file: String, expected: String) throws {
    var solver = SolverParameter()
    if let given { solver.snapshotPrefix = given }
    let upgraded = try solver.upgraded(file: file, isFolder: { $0.hasPrefix("folder") })
    #expect(upgraded.solver.snapshotPrefix == expected)
    #expect(upgraded.notes == [])
  }
}
