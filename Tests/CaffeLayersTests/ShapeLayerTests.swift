import CaffeCore
import CaffeNet
import CaffeTestSupport
import Testing

/// Crop, Flatten, Im2col, Reshape, Slice and Tile.
struct ShapeLayerTests {
  static let cases: [(LayerTestCase, [[Int]])] = [
    (LayerTestCase("flatten", #"type: "Flatten""#, [[2, 3, 4]]), [[2, 12]]),
    (
      LayerTestCase(
        "flatten -3...-2", #"type: "Flatten" flatten_param { axis: -3 end_axis: -2 }"#,
        [[2, 3, 4, 5]]), [[2, 12, 5]]
    ),
    (
      LayerTestCase(
        "reshape", #"type: "Reshape" reshape_param { shape { dim: 0 dim: -1 dim: 4 } }"#,
        [[2, 8, 3]]), [[2, 6, 4]]
    ),
    (
      LayerTestCase(
        "reshape window",
        #"type: "Reshape" reshape_param { shape { dim: 2 dim: 4 } axis: -3 num_axes: 1 }"#,
        [[2, 8, 3]]), [[2, 2, 4, 3]]
    ),
    (
      LayerTestCase(
        "new last axis", #"type: "Reshape" reshape_param { shape { dim: 1 } axis: -1 }"#, [[2, 3]]),
      [[2, 3, 1]]
    ),
    (
      LayerTestCase("even slices", #"type: "Slice""#, [[2, 6, 2]], tops: 3),
      [[2, 2, 2], [2, 2, 2], [2, 2, 2]]
    ),
    (LayerTestCase("one slice", #"type: "Slice""#, [[2, 6]]), [[2, 6]]),
    (
      LayerTestCase(
        "slice points", #"type: "Slice" slice_param { axis: -1 slice_point: 1 slice_point: 4 }"#,
        [[2, 3, 6]], tops: 3), [[2, 3, 1], [2, 3, 3], [2, 3, 2]]
    ),
    (LayerTestCase("tile", #"type: "Tile" tile_param { tiles: 3 }"#, [[2, 3, 2]]), [[2, 9, 2]]),
    (
      LayerTestCase("tile last", #"type: "Tile" tile_param { axis: -1 tiles: 2 }"#, [[2, 3]]),
      [[2, 6]]
    ),
    (
      LayerTestCase(
        "crop", #"type: "Crop" crop_param { offset: 1 offset: 2 }"#, [[2, 3, 4, 6], [1, 1, 2, 3]]),
      [[2, 3, 2, 3]]
    ),
    (
      LayerTestCase(
        "crop axis -2", #"type: "Crop" crop_param { axis: -2 offset: 1 }"#,
        [[3, 4, 5], [3, 3, 3]]),
      [[3, 3, 3]]
    ),
    (
      LayerTestCase(
        "im2col",
        #"type: "Im2col" convolution_param { kernel_h: 2 kernel_w: 3 pad: 1 stride: 2 }"#,
        [[2, 2, 4, 5]]), [[2, 12, 3, 3]]
    ),
    (
      LayerTestCase(
        "im2col 1-D", #"type: "Im2col" convolution_param { kernel_size: 3 dilation: 2 }"#,
        [[2, 2, 6]]), [[2, 6, 2]]
    ),
  ]

  @Test(arguments: cases) func shapesAndGradients(_ layer: LayerTestCase, _ tops: [[Int]]) throws {
    let net = try layer.net()
    #expect(tops.indices.map { net.blob("out\($0)")?.shape.dimensions } == tops)
    var random = TestRandom(seed: 5)
    try layer.expectGradients(layer.shapes.map { random.spaced($0.reduce(1, *)) })
  }

  //  0  1  2  3        cut 1x2 at row 1, column 1
  //  4  5  6  7   →    5 6
  //  8  9 10 11
  @Test func crops() throws {
    let crop = LayerTestCase(
      "crop", #"type: "Crop" crop_param { axis: 0 offset: 1 }"#, [[3, 4], [1, 2]])
    #expect(try crop.output([(0..<12).map(Float.init), [0, 0]]) == [5, 6])
  }

  @Test func tilesRepeatAnAxis() throws {
    let tile = LayerTestCase("tile", #"type: "Tile" tile_param { tiles: 2 }"#, [[2, 2]])
    #expect(try tile.output([[1, 2, 3, 4]]) == [1, 2, 1, 2, 3, 4, 3, 4])
  }

  /// Flatten, Reshape and a single slice are their bottoms' memory, at every batch size.
  @Test(arguments: [
    #"type: "Flatten""#, #"type: "Reshape" reshape_param { shape { dim: 0 dim: -1 } }"#,
    #"type: "Slice""#,
  ])
  func viewsFollowTheBottom(_ settings: String) throws {
    let layer = LayerTestCase("view", settings, [[2, 3, 2]])
    let net = try layer.net()
    for batch in [2, 5, 0, 1] {
      let (bottom, top) = (try #require(net.blob("in0")), try #require(net.blob("out0")))
      bottom.reshape([batch, 3, 2])
      bottom.data.values = (0..<bottom.count).map(Float.init)
      try net.forward()
      #expect(top.data.values == bottom.data.values)
      #expect(top.shape[0] == batch)
      #expect(top.data.shares(bottom.data) && top.diff.shares(bottom.diff))
    }
  }

  @Test(arguments: [
    RefusedLayer(
      #"type: "Flatten" flatten_param { axis: 2 end_axis: 1 }"#, [[2, 3, 4]],
      "axis must not come after end_axis"),
    RefusedLayer(
      #"type: "Reshape" reshape_param { shape { dim: -1 dim: -1 } }"#, [[2, 3]],
      "at most a single (1) value of -1 may be specified"),
    RefusedLayer(
      #"type: "Reshape" reshape_param { shape { dim: -2 } }"#, [[2, 3]],
      "a dim must be positive, 0 to copy or -1 to infer, got -2"),
    RefusedLayer(
      #"type: "Reshape" reshape_param { num_axes: -2 }"#, [[2, 3]], "num_axes must be >= 0, or -1"),
    RefusedLayer(
      #"type: "Reshape" reshape_param { shape { dim: 4 } }"#, [[2, 3]],
      "output count must match input count"),
    RefusedLayer(
      #"type: "Reshape" reshape_param { shape { dim: -1 dim: 4 } }"#, [[2, 3]],
      "bottom count must be divisible by the product of the specified dimensions"),
    RefusedLayer(
      #"type: "Reshape" reshape_param { shape { dim: 6 dim: 1 dim: 0 } }"#, [[2, 3]],
      "there was no corresponding bottom axis to copy"),
    RefusedLayer(
      #"type: "Reshape" reshape_param { axis: 3 }"#, [[2, 3]], "axis 3 is out of range"),
    RefusedLayer(
      #"type: "Reshape" reshape_param { axis: 1 num_axes: 2 }"#, [[2, 3]],
      "reach past the last axis"),
    RefusedLayer(
      #"type: "Slice" slice_param { axis: 1 slice_dim: 1 }"#, [[2, 3]],
      "Either axis or slice_dim should be specified; not both."),
    RefusedLayer(
      #"type: "Slice" slice_param { slice_point: 1 }"#, [[2, 3]], tops: 3,
      "slice_point must be given once less than there are tops"),
    RefusedLayer(
      #"type: "Slice" slice_param { slice_point: 2 slice_point: 2 }"#, [[2, 3]], tops: 3,
      "slice_points must be positive and increase"),
    RefusedLayer(
      #"type: "Slice" slice_param { slice_point: 3 }"#, [[2, 3]], tops: 2,
      "slice_point 3 is not within the axis's 3"),
    RefusedLayer(
      #"type: "Slice""#, [[2, 3]], tops: 2, "should evenly divide input slice axis (3)"),
    RefusedLayer(#"type: "Tile""#, [[2, 3]], "tiles is missing"),
    RefusedLayer(#"type: "Tile" tile_param { tiles: 0 }"#, [[2, 3]], "tiles must be positive"),
    RefusedLayer(
      #"type: "Crop""#, [[1, 1, 4, 4], [4, 4]], "both bottoms must have as many axes"),
    RefusedLayer(
      #"type: "Crop" crop_param { offset: 2 }"#, [[1, 1, 4, 4], [1, 1, 2, 3]],
      "the crop for dimension 3 is out-of-bounds with size 3 and offset 2"),
    RefusedLayer(
      #"type: "Crop" crop_param { axis: 1 offset: 0 offset: 0 }"#, [[1, 1, 4, 4], [1, 1, 2, 2]],
      "offset must be given once or once for each cropped axis"),
    RefusedLayer(#"type: "Im2col""#, [[1, 1, 4, 4]], "kernel_size is missing"),
  ])
  func refuses(_ layer: RefusedLayer) { layer.expect() }
}
