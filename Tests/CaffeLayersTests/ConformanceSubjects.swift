import CaffeTestSupport

/// The smallest layer of a type that shows its contract: settings, bottoms and tops.
struct ConformanceSubject: Sendable {
  /// What a bottom holds.
  enum Values: Sendable {
    /// All different, of both signs, none near 0.
    case spaced
    case positive
    /// As `spaced`, and of the same shape for any batch.
    case fixed
    case probabilities
    /// Whole numbers of `0..<limit`.
    case indices(limit: Int)
    case given([Float])
  }

  struct Bottom: Sendable {
    let shape: [Int]
    let values: Values

    func make(batchAxis: Int, more: Int) -> (shape: [Int], values: [Float]) {
      var shape = shape
      if case .fixed = values {} else { shape[batchAxis] += more }
      let count = shape.reduce(1, *)
      var random = TestRandom(seed: UInt64(7 + count))
      switch values {
      case .spaced, .fixed: return (shape, random.spaced(count, -2, 2.1))
      case .positive: return (shape, random.spaced(count, 0.5, 2))
      case .probabilities: return (shape, random.spaced(count, 0.1, 0.9))
      case .indices(let limit): return (shape, (0..<count).map { Float($0 * 5 % limit) })
      case .given(let some): return (shape, (0..<count).map { some[$0 % some.count] })
      }
    }
  }

  let settings: String
  let bottoms: [Bottom]
  let tops: [String]
  /// The axis on which a batch may grow.
  let batchAxis: Int

  init(
    _ settings: String = "", _ bottoms: [([Int], Values)], tops: [String] = ["out0"],
    batchAxis: Int = 0
  ) {
    self.settings = settings
    self.bottoms = bottoms.map { Bottom(shape: $0.0, values: $0.1) }
    self.tops = tops
    self.batchAxis = batchAxis
  }

  /// One bottom `[2, 4, 5, 3]`.
  static func image(_ settings: String = "", _ values: Values = .spaced, tops: Int = 1) -> Self {
    Self(settings, [([2, 4, 5, 3], values)], tops: (0..<tops).map { "out\($0)" })
  }

  /// Scores `[3, 4]` and a label each.
  static func loss(
    _ settings: String = "", _ scores: Values = .spaced, _ label: ([Int], Values)? = nil
  ) -> Self {
    Self(settings, [([3, 4], scores), label ?? ([3], .indices(limit: 4))])
  }
}

// MARK: - The table

extension ConformanceSubject {
  private static let filled = "weight_filler { type: \"gaussian\" std: 0.3 }"
  private static let window = "num_output: 4 kernel_size: 3 stride: 2 pad: 1 \(filled)"

  /// By type; `%FOLDER%` stands for a folder that may be written to.
  static let all: [String: ConformanceSubject] = neurons.merging(shapes) { $1 }
    .merging(vision) { $1 }.merging(losses) { $1 }.merging(sequences) { $1 }
    .merging(sources) { $1 }

  private static let neurons: [String: ConformanceSubject] = [
    "AbsVal": image(),
    "BNLL": image(),
    "Clip": image("clip_param { min: -0.5 max: 0.7 }"),
    "Dropout": image("dropout_param { dropout_ratio: 0.4 }"),
    "ELU": image("elu_param { alpha: 0.7 }"),
    "Exp": image("exp_param { base: 2 scale: 0.5 shift: 0.1 }"),
    "Log": image("log_param { base: 2 scale: 0.5 shift: 0.1 }", .positive),
    "Power": image("power_param { power: 2 scale: 0.5 shift: 0.1 }"),
    "PReLU": image(),
    "ReLU": image("relu_param { negative_slope: 0.1 }"),
    "Sigmoid": image(),
    "Swish": image("swish_param { beta: 1.5 }"),
    "TanH": image(),
    "Threshold": image("threshold_param { threshold: 0.2 }"),
    "BatchNorm": image(),
    "Bias": image("bias_param { filler { type: \"gaussian\" std: 1 } }"),
    "Scale": image("scale_param { bias_term: true filler { type: \"gaussian\" std: 1 } }"),
    "MVN": image(),
    "Softmax": image(),
  ]

  private static let shapes: [String: ConformanceSubject] = [
    "ArgMax": image("argmax_param { top_k: 2 out_max_val: true }"),
    "BatchReindex": Self("", [([3, 4], .spaced), ([5], .indices(limit: 3))]),
    "Concat": Self("", [([2, 3, 4], .spaced), ([2, 5, 4], .spaced)]),
    "Crop": Self("crop_param { offset: 1 }", [([2, 3, 5, 6], .spaced), ([2, 1, 3, 4], .spaced)]),
    "Eltwise": Self(
      "eltwise_param { coeff: 2 coeff: -1 }", [([2, 3, 4], .spaced), ([2, 3, 4], .positive)]),
    "Filter": Self("", [([4, 3], .spaced), ([4], .given([0, 1, 1, 0, 1]))]),
    "Flatten": image(),
    "Reduction": image("reduction_param { axis: 1 operation: SUMSQ }"),
    "Reshape": image("reshape_param { shape { dim: 0 dim: -1 dim: 2 } }"),
    "Silence": Self("", [([2, 3], .spaced)], tops: []),
    "Slice": image("slice_param { slice_point: 1 }", tops: 2),
    "Split": image(tops: 2),
    "Tile": image("tile_param { tiles: 3 }"),
  ]

  private static let vision: [String: ConformanceSubject] = [
    "Convolution": image("convolution_param { \(window) group: 2 }"),
    "ConvolutionDepthwise": image("convolution_param { kernel_size: 3 \(filled) }"),
    "Deconvolution": image("convolution_param { \(window) group: 2 }"),
    "DepthwiseConvolution": image("convolution_param { kernel_size: 3 \(filled) }"),
    "Im2col": image("convolution_param { \(window) }"),
    "InnerProduct": image("inner_product_param { num_output: 3 \(filled) }"),
    "LRN": image("lrn_param { local_size: 3 alpha: 0.5 }"),
    "Pooling": image("pooling_param { kernel_size: 3 stride: 2 }", tops: 2),
    "SPP": image("spp_param { pyramid_height: 2 }"),
  ]

  private static let losses: [String: ConformanceSubject] = [
    "Accuracy": Self("", [([3, 4], .spaced), ([3], .indices(limit: 4))], tops: ["out0", "out1"]),
    "ContrastiveLoss": Self(
      "", [([3, 4], .spaced), ([3, 4], .positive), ([3], .given([1, 0, 0, 1]))]),
    "EuclideanLoss": loss("", .spaced, ([3, 4], .positive)),
    "HingeLoss": loss(),
    "InfogainLoss": Self(
      "", [([3, 4], .spaced), ([3], .indices(limit: 4)), ([4, 4], .fixed)]),
    "MultinomialLogisticLoss": loss("", .probabilities),
    "SigmoidCrossEntropyLoss": loss("", .spaced, ([3, 4], .probabilities)),
    "SoftmaxWithLoss": Self(
      "", [([3, 4], .spaced), ([3], .indices(limit: 4))], tops: ["out0", "out1"]),
  ]

  private static let sequences: [String: ConformanceSubject] = [
    "Embed": Self(
      "embed_param { input_dim: 6 num_output: 3 \(filled) }", [([2, 5], .indices(limit: 6))]),
    "LSTM": Self(
      "recurrent_param { num_output: 3 \(filled) }",
      [([4, 2, 5], .spaced), ([4, 2], .given([0, 0, 1, 1, 0, 1, 1]))]),
    "LSTMUnit": Self(
      "", [([1, 2, 3], .spaced), ([1, 2, 12], .spaced), ([1, 2], .given([1, 0]))],
      tops: ["out0", "out1"], batchAxis: 1),
    "RNN": Self(
      "recurrent_param { num_output: 3 \(filled) }",
      [([4, 2, 5], .spaced), ([4, 2], .given([0, 0, 1, 1, 0, 1, 1]))]),
  ]

  /// What reads or writes files: those of the goldens, and small ones that the test makes.
  private static let sources: [String: ConformanceSubject] = [
    "Data": Self(
      "data_param { source: \"db-lmdb\" batch_size: 2 backend: LMDB }", [], tops: ["out0", "out1"]),
    // A constant top would be filled once only, as documented.
    "DummyData": Self(
      "dummy_data_param { shape { dim: 2 dim: 3 } data_filler { type: \"gaussian\" } }", []),
    "HDF5Data": Self(
      "hdf5_data_param { source: \"%FOLDER%/list.txt\" batch_size: 2 }", [],
      tops: ["data", "label"]),
    "HDF5Output": Self(
      "hdf5_output_param { file_name: \"%FOLDER%/out.h5\" }",
      [([2, 3], .spaced), ([2], .spaced)], tops: []),
    "ImageData": Self(
      """
      image_data_param {
        source: "%FOLDER%/images.txt" batch_size: 2 new_height: 6 new_width: 5
      }
      """, [], tops: ["out0", "out1"]),
    "Input": Self("input_param { shape { dim: 2 dim: 3 } }", []),
    "MemoryData": Self(
      "memory_data_param { batch_size: 2 channels: 1 height: 2 width: 3 }", [],
      tops: ["out0", "out1"]),
    "Parameter": Self("parameter_param { shape { dim: 2 dim: 3 } }", []),
    "WindowData": Self(
      """
      window_data_param { source: "%FOLDER%/windows.txt" batch_size: 4 fg_fraction: 0.5 }
      transform_param { crop_size: 5 }
      """, [], tops: ["out0", "out1"]),
  ]
}
