import CaffeTestSupport
import Testing

/// Settings and shapes that cannot be: each is refused when the net is built, with a sentence.
@Suite struct LayerErrorTests {
  @Test(arguments: windows + axes + counts + values)
  func isRefused(_ layer: RefusedLayer) { layer.expect() }

  private static let image = [[2, 4, 5, 3]]

  private static func convolution(_ settings: String, _ message: String) -> RefusedLayer {
    RefusedLayer(
      #"type: "Convolution" convolution_param { num_output: 2 \#(settings) }"#, image, message)
  }

  private static func pooling(
    _ settings: String, on shapes: [[Int]] = image, tops: Int = 1, _ message: String
  ) -> RefusedLayer {
    RefusedLayer(#"type: "Pooling" pooling_param { \#(settings) }"#, shapes, tops: tops, message)
  }

  /// Kernels, strides and pads.
  static let windows = [
    convolution(
      "kernel_size: 7 pad: 1",
      "kernel_size 7 does not fit into the bottom's 3 with pad 1 on spatial axis 1"),
    convolution(
      "kernel_size: 2 dilation: 3",
      "kernel_size 2 with dilation 3 does not fit into the bottom's 3 with pad 0 on spatial axis 1"),
    convolution("kernel_size: 1 group: 0", "group must be positive, got 0"),
    convolution(
      "kernel_size: 1 stride: 2147483648", "stride must be at most 2147483647, got 2147483648"),
    convolution(
      "kernel_size: 3 pad: 2147483647",
      "the padded extent of spatial axis 0 must be at most 2147483647, got 4294967299"),
    convolution(
      "kernel_size: 1 pad: 1 stride: 2147483647",
      "the sum of pad and stride of spatial axis 0 must be at most 2147483647, got 2147483648"),
    RefusedLayer(
      #"type: "Im2col" convolution_param { kernel_size: 65536 pad: 65536 }"#, image,
      "the cells of a window must be at most 2147483647, got 65536x65536"),
    RefusedLayer(
      #"type: "Im2col" convolution_param { kernel_size: 32768 pad: 32768 }"#, image,
      "blob size exceeds 2147483647 values: 2 4294967296 32774 32772"),
    RefusedLayer(
      #"type: "DepthwiseConvolution" convolution_param { kernel_size: 1 }"#, [[2, 0, 5, 3]],
      "the bottom has no channels"),
    pooling(
      "kernel_size: 4294967295 stride: 4294967295",
      "the sum of pad and stride of spatial axis 0 must be at most 2147483647, got 4294967295"),
    pooling(
      "kernel_size: 4294967295 pad: 2147483648",
      "the padded extent of spatial axis 0 must be at most 2147483647, got 4294967301"),
    RefusedLayer(
      #"type: "LRN" lrn_param { local_size: 4294967295 norm_region: WITHIN_CHANNEL }"#, image,
      "the padded extent of spatial axis 0 must be at most 2147483647, got 4294967299"),
    RefusedLayer(
      #"type: "Reshape" reshape_param { shape { dim: 9223372036854775807 dim: 2 dim: -1 } }"#,
      image, "blob size exceeds 2147483647 values: 9223372036854775807 2"),
    RefusedLayer(
      #"type: "Convolution" convolution_param { num_output: 2 kernel_h: 2 kernel_w: 2 }"#,
      [[2, 3, 4]], "kernel_h and kernel_w are for two spatial axes, the bottom has 1"),
    pooling(
      "kernel_size: 5",
      "kernel_size 5 does not fit into the bottom's 3 with pad 0 on spatial axis 1"),
    pooling(
      "global_pooling: true kernel_size: 2",
      "with global_pooling: true the kernel is the whole plane; remove kernel_size"),
    pooling("global_pooling: true pad: 1", "with global_pooling: true pad must be 0 and stride 1"),
    pooling(
      "pool: STOCHASTIC kernel_size: 2 pad: 1",
      "pad must be 0 with pool: STOCHASTIC; padding is for MAX and AVE"),
    pooling(
      "pool: AVE kernel_size: 2", tops: 2, "a second top, the mask, is for pool: MAX, not AVE"),
    pooling(
      "kernel_size: 2", on: [[4, 5]], "the bottom must have 3 to 5 axes, [n, c, spatial…], got 4 5"),
    pooling("kernel_h: 2", "kernel_h and kernel_w go together, one of them is missing"),
    pooling(
      "kernel_h: 2 kernel_w: 2", on: [[2, 3, 4]],
      "kernel_h and kernel_w are for two spatial axes, the bottom has 1"),
    RefusedLayer(
      #"type: "LRN" lrn_param { local_size: 4 }"#, image, "local_size must be odd, got 4"),
  ]

  /// Bottoms with axes that the layer cannot take.
  static let axes = [
    RefusedLayer(
      #"type: "ArgMax""#, [[]], "the bottom must have at least 1 axis, [n, …], got a scalar"),
    RefusedLayer(
      #"type: "BatchNorm""#, [[]], "the bottom must have at least 1 axis, [n, c, …], got a scalar"),
    RefusedLayer(
      #"type: "MVN""#, [[]], "the bottom must have at least 1 axis, [n, c, …], got a scalar"),
    RefusedLayer(
      #"type: "BatchReindex""#, [[], [2]],
      "the first bottom must have at least 1 axis, [n, …], got a scalar"),
    RefusedLayer(
      #"type: "BatchReindex""#, [[3, 4], [2, 1]],
      "the second bottom, the indices, must have 1 axis, got 2 1"),
    RefusedLayer(#"type: "Crop""#, [[2, 3, 4], [2, 3]], "both bottoms must have as many axes"),
    RefusedLayer(#"type: "LRN""#, [[2, 3]], "the bottom must have 4 axes, [n, c, h, w], got 2 3"),
    RefusedLayer(
      #"type: "SPP" spp_param { pyramid_height: 2 }"#, [[2, 3]],
      "the bottom must have 4 axes, [n, c, h, w], got 2 3"),
    RefusedLayer(
      #"type: "PReLU""#, [[4]], "the bottom must have at least 2 axes, [n, c, …], got 4"),
    RefusedLayer(
      #"type: "LSTM" recurrent_param { num_output: 2 }"#, [[4], [4, 1]],
      "the first bottom must have at least 2 axes -- (#timesteps, #streams, ...), got 4"),
    RefusedLayer(
      #"type: "RNN" recurrent_param { num_output: 2 }"#, [[4, 2, 3], [4, 1]],
      "the second bottom (cont) must have exactly 2 axes -- (#timesteps, #streams) = 4 2, got 4 1"),
    RefusedLayer(
      #"type: "LSTMUnit""#, [[2, 2, 3], [1, 2, 12], [1, 2]], tops: 2,
      "the first bottom must hold one step of cells, 1 x n x h, got 2 2 3"),
    RefusedLayer(
      #"type: "LSTMUnit""#, [[1, 2, 3], [1, 2, 9], [1, 2]], tops: 2,
      "the second bottom must hold 4 gates for each cell, 1 2 12, got 1 2 9"),
    RefusedLayer(
      #"type: "LSTMUnit""#, [[1, 2, 3], [1, 2, 12], [2]], tops: 2,
      "the third bottom must hold one number for each stream, 1 2, got 2"),
    RefusedLayer(
      #"type: "Flatten" flatten_param { axis: 2 end_axis: 1 }"#, image,
      "axis must not come after end_axis, got axis 2 and end_axis 1"),
    RefusedLayer(
      #"type: "Concat" concat_param { axis: 1 concat_dim: 1 }"#, image,
      "Either axis or concat_dim should be specified; not both."),
  ]

  /// Bottoms and tops that do not go together.
  static let counts = [
    RefusedLayer(
      #"type: "ContrastiveLoss""#, [[3, 4, 2], [3, 4, 2], [3]],
      "a batch of vectors must have shape n x c (x 1 x 1), got 3 4 2"),
    RefusedLayer(
      #"type: "ContrastiveLoss""#, [[3, 4], [3, 5], [3]],
      "both batches of vectors must have the same shape"),
    RefusedLayer(
      #"type: "ContrastiveLoss""#, [[3, 4], [3, 4], [2]],
      "there must be one flag for each of 3 pairs, got 2"),
    RefusedLayer(
      #"type: "DummyData" dummy_data_param { shape { dim: 2 } data_filler {} data_filler {} }"#, [],
      tops: 3,
      "Number of data fillers must be 0, 1 or equal to the number of tops: 3; you specified 2 data fillers."
    ),
    RefusedLayer(
      #"type: "DummyData" dummy_data_param { num: 2 channels: 3 }"#, [],
      "Must specify 'shape', or 'num', 'channels', 'height' and 'width'"),
    RefusedLayer(
      #"type: "DummyData" dummy_data_param { num: 2 shape { dim: 2 } }"#, [],
      "give either 'shape' or 'num', 'channels', 'height' and 'width', not both"),
    RefusedLayer(
      #"type: "DummyData" dummy_data_param { shape { dim: 2 } shape { dim: 2 } }"#, [], tops: 3,
      "Must specify 'shape' once, or once per top blob (3); specified 2."),
    RefusedLayer(
      #"type: "EuclideanLoss""#, [[3, 4], [3, 5]], "both inputs must have the same count: 3 4"),
    RefusedLayer(
      #"type: "Filter""#, [[4, 3], [4, 2]],
      "the selector must have shape [n] or [n, 1, …], one value for each item, got 4 2"),
    RefusedLayer(
      #"type: "Filter""#, [[4, 3], [3]],
      "each bottom must have as many items as the selector has values (3): bottom 0 has 4 3"),
    RefusedLayer(
      #"type: "HDF5Output" hdf5_output_param { file_name: "/tmp/x.h5" }"#, [[2, 3], [3]], tops: 0,
      "data and label must have as many rows: 2 vs. 3"),
    RefusedLayer(
      #"type: "HDF5Output" hdf5_output_param { file_name: "/tmp/x.h5" }"#, [[2, 0], [2]], tops: 0,
      "there is nothing to write in a blob of shape 2 0"),
    RefusedLayer(
      #"type: "Reshape" reshape_param { shape { dim: 7 } }"#, [[2, 3]],
      "output count must match input count: shape 7"),
    RefusedLayer(
      #"type: "Slice" slice_param { slice_point: 3 slice_point: 1 }"#, image, tops: 3,
      "slice_points must be positive and increase: [3, 1]"),
    RefusedLayer(
      #"type: "Slice""#, image, tops: 3,
      "Number of top blobs (3) should evenly divide input slice axis (4); or give slice_point"),
  ]

  /// Values out of their range.
  static let values = [
    RefusedLayer(
      #"type: "Accuracy" accuracy_param { top_k: 0 }"#, [[3, 4], [3]],
      "top_k must be at least 1, got 0"),
    RefusedLayer(
      #"type: "ArgMax" argmax_param { top_k: 0 }"#, image, "top_k must not be less than 1, got 0"),
    RefusedLayer(
      #"type: "Dropout" dropout_param { dropout_ratio: 1 }"#, image,
      "dropout_ratio must be in 0..<1, got 1"),
    RefusedLayer(
      #"type: "Eltwise" eltwise_param { operation: PROD coeff: 1 coeff: 2 }"#, [[2], [2]],
      "Eltwise layer only takes coefficients for summation."),
    RefusedLayer(
      #"type: "Embed" embed_param { num_output: 2 input_dim: 0 }"#, [[3]],
      "input_dim must be positive, got 0"),
    RefusedLayer(
      #"type: "Exp" exp_param { base: -2 }"#, image, "base must be positive, or -1 for e, got -2"),
    RefusedLayer(
      #"type: "Log" log_param { base: 1 }"#, image,
      "base must be positive and not 1, or -1 for e, got 1"),
    RefusedLayer(
      #"type: "HDF5Output""#, [[2], [2]], tops: 0, "hdf5_output_param.file_name must be specified"),
    RefusedLayer(
      #"type: "InfogainLoss""#, [[3, 4], [3]],
      "Infogain matrix source must be specified, or be a third bottom."),
    RefusedLayer(
      #"type: "MemoryData" memory_data_param { batch_size: 2 channels: 1 height: 2 }"#, [], tops: 2,
      "batch_size, channels, height, and width must be specified and positive in memory_data_param"),
    RefusedLayer(
      #"type: "Reshape" reshape_param { shape { dim: -1 dim: -1 } }"#, [[2, 3]],
      "new shape contains multiple -1 dims; at most a single (1) value of -1 may be specified"),
    RefusedLayer(
      #"type: "Reshape" reshape_param { num_axes: -2 }"#, [[2, 3]],
      "num_axes must be >= 0, or -1 for all, got -2"),
    RefusedLayer(
      #"type: "Scale" scale_param { num_axes: -2 }"#, image,
      "num_axes must be -1 (all axes) or at least 0, got -2"),
    RefusedLayer(#"type: "Tile" tile_param { tiles: 0 }"#, image, "tiles must be positive, got 0"),
    RefusedLayer(
      #"type: "Tile" tile_param { tiles: 2147483647 axis: 0 }"#, [[2, 3]],
      "blob size exceeds 2147483647 values: 4294967294 3"),
    RefusedLayer(
      #"type: "BatchNorm" param { lr_mult: 1 }"#, image,
      "param 0 holds statistics, which the layer keeps itself: its lr_mult must be 0"),
  ]

  @Test func memoryDataWithoutData() throws {
    let net = try LayerTestCase(
      "", #"type: "MemoryData" memory_data_param { batch_size: 1 channels: 1 height: 2 width: 2 }"#,
      [], tops: 2
    ).net()
    expectError("MemoryData has no data yet: call reset(data:labels:) before forward") {
      try net.forward()
    }
  }

  @Test func lrnOfNoChannels() throws {
    let net = try LayerTestCase(
      "", #"type: "LRN" lrn_param { engine: CAFFE }"#, [[2, 0, 5, 3]]
    ).net()
    #expect(try net.forward() == 0)
  }

  /// Parameters keep the shape for which they were made.
  @Test func anotherNumberOfChannelsAtRunTime() throws {
    let net = try LayerTestCase("", #"type: "BatchNorm""#, Self.image).net()
    try #require(net.blob("in0")).reshape([2, 3, 5, 3])
    expectError("there are statistics of 4 channels, the bottom now has 3") { try net.forward() }
  }
}
