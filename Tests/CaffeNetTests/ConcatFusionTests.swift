import CaffeCore
import CaffeKernels
import CaffeNet
import CaffeSchema
import CaffeTestSupport
import Testing

/// Where nobody can look at blobs, Convolutions write to their places in the top of a Concat, and on the
/// way back it does the work of a Split above it and of ReLUs below it.
struct ConcatFusionTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Layers that make `y` of `c`, which has 16 channels.
    let layers: String
    var isInPlace = true
    /// What runs backward in the layer `y`.
    var fused: Set<String> = ["y_y_0_split"]
    var phases: [Phase] = [.train, .test]
    var tiles = false
  }

  private static func convolution(
    _ name: String, from bottom: String = "c", channels: Int = 16, kernel: Int = 1,
    settings: String = ""
  ) -> String {
    """
    layer { name: "\(name)" type: "Convolution" bottom: "\(bottom)" top: "\(name)" \(settings)
      convolution_param { num_output: \(channels) kernel_size: \(kernel) pad: \(kernel / 2)
        weight_filler { type: "xavier" } bias_filler { type: "gaussian" } } }
    """
  }

  private static func relu(_ blob: String, slope: Float = 0) -> String {
    """
    layer { name: "relu_\(blob)" type: "ReLU" bottom: "\(blob)" top: "\(blob)"
      relu_param { negative_slope: \(slope) } }
    """
  }

  private static func concat(_ bottoms: String..., settings: String = "") -> String {
    let list = bottoms.map { #"bottom: "\#($0)""# }.joined(separator: " ")
    return #"layer { name: "y" type: "Concat" \#(list) top: "y" \#(settings) }"#
  }

  private static let both = convolution("a") + relu("a") + convolution("b", kernel: 3) + relu("b")
  private static let all: Set = ["relu_a", "relu_b", "y_y_0_split"]

  static let cases = [
    Case(testDescription: "two branches", layers: both + concat("a", "b"), fused: all),
    Case(
      testDescription: "tiles", layers: both + concat("b", "a"), fused: all, tiles: true),
    Case(
      testDescription: "four branches of different widths",
      layers: both + convolution("d", channels: 48, kernel: 5) + relu("d", slope: 0.1)
        + convolution("e", channels: 32) + concat("a", "d", "b", "e"),
      fused: all.union(["relu_d"])),
    Case(
      testDescription: "no ReLU", layers: convolution("a") + convolution("b") + concat("a", "b")),
    Case(
      testDescription: "a branch that learns nothing",
      layers: both
        + convolution("d", from: "x", settings: "param { lr_mult: 0 } param { lr_mult: 0 }")
        + relu("d") + concat("d", "a", "b"), fused: all),
    Case(
      testDescription: "channels last",
      layers: convolution("a", channels: 20) + relu("a") + convolution("b", channels: 20)
        + relu("b")
        + concat("a", "b"), isInPlace: false, fused: all),
    Case(
      testDescription: "a bottom that others read too",
      layers: both + concat("a", "c", "b"), isInPlace: false, fused: all),
    Case(
      testDescription: "a bottom that a Pooling makes",
      layers: both + """
        layer { name: "p" type: "Pooling" bottom: "c" top: "p"
          pooling_param { kernel_size: 3 stride: 1 pad: 1 } }
        """ + concat("p", "a", "b"), isInPlace: false, fused: all),
    Case(
      testDescription: "a Sigmoid",
      layers: convolution("a") + #"layer { name: "s" type: "Sigmoid" bottom: "a" top: "a" }"#
        + convolution("b") + relu("b") + concat("a", "b"), isInPlace: false,
      fused: ["relu_b", "y_y_0_split"]),
    Case(
      testDescription: "a ReLU with a top of its own",
      layers: both.replacing(#"bottom: "a" top: "a""#, with: #"bottom: "a" top: "r""#)
        + concat("r", "b"), isInPlace: false, fused: ["relu_b", "y_y_0_split"]),
    Case(
      testDescription: "a BatchNorm in place behind it",
      layers: both + concat("a", "b") + norm("y"),
      isInPlace: false, fused: [], phases: [.train]),
    Case(
      testDescription: "a BatchNorm in place behind it, in testing",
      layers: both + concat("a", "b") + norm("y"),
      fused: [], phases: [.test]),
    Case(
      testDescription: "a BatchNorm and a Scale in a branch, in testing",
      layers: convolution("a") + norm("a")
        + #"layer { name: "f" type: "Scale" bottom: "a" top: "a" }"# + relu("a")
        + convolution("b") + concat("a", "b"), phases: [.test]),
    Case(
      testDescription: "a BatchNorm in a branch, in training",
      layers: convolution("a") + norm("a")
        + relu("a") + convolution("b") + relu("b") + concat("a", "b"), isInPlace: false,
      fused: ["relu_b", "y_y_0_split"], phases: [.train]),
    Case(
      testDescription: "twice the same", layers: both + concat("a", "b", "a"), isInPlace: false,
      fused: ["relu_b", "y_y_0_split"]),
    Case(
      testDescription: "a loss of its own on a branch",
      layers: both.replacing(
        #"bottom: "b" top: "b""#, with: #"bottom: "b" top: "b" loss_weight: 0.1"#)
        + concat("a", "b"), isInPlace: false, fused: ["relu_a", "y_y_0_split"]),
    Case(
      testDescription: "a loss of its own",
      layers: both + concat("a", "b", settings: "loss_weight: 0.1"),
      fused: all),
    Case(
      testDescription: "a loss of a view of it",
      layers: both + concat("a", "b")
        + #"layer { name: "v" type: "Flatten" bottom: "y" top: "v" loss_weight: 0.1 }"#,
      fused: all),
    Case(
      testDescription: "along the items", layers: both + concat("a", "b", settings: axis(0)),
      isInPlace: false, fused: all),
    Case(
      testDescription: "along the rows", layers: both + concat("a", "b", settings: axis(2)),
      isInPlace: false, fused: all),
  ]

  private static func axis(_ axis: Int) -> String { "concat_param { axis: \(axis) }" }

  private static func norm(_ blob: String) -> String {
    #"layer { name: "n" type: "BatchNorm" bottom: "\#(blob)" top: "\#(blob)" }"#
  }

  private func text(_ c: Case) -> String {
    let heads = (0..<2).map { reader in
      """
      layer { name: "p\(reader)" type: "Convolution" bottom: "y" top: "p\(reader)"
        convolution_param { num_output: 16 kernel_size: 1 weight_filler { type: "xavier" } } }
      layer { name: "q\(reader)" type: "Pooling" bottom: "p\(reader)" top: "q\(reader)"
        pooling_param { pool: AVE global_pooling: true } }
      """
    }
    return """
      layer { name: "in" type: "Input" top: "x"
        input_param { shape { dim: 4 dim: 3 dim: 9 dim: 7 } } }
      \(Self.convolution("c", from: "x", kernel: 3))
      \(c.layers)
      \(heads.joined(separator: "\n"))
      layer { name: "sum" type: "Eltwise" bottom: "q0" bottom: "q1" top: "sum" }
      layer { name: "loss" type: "Reduction" bottom: "sum" top: "loss" loss_weight: 1
        reduction_param { operation: SUMSQ } }
      """
  }

  /// Also for batches of which threads cannot have equal shares, and for a single item.
  @Test(arguments: cases) func givesWhatItsLayersGive(_ c: Case) throws {
    let threads = Threads.count
    defer { Threads.setCount(threads) }
    Threads.setCount(2)
    for phase in c.phases {
      let pair = try FusedPair(
        text(c), phase: phase, choices: c.tiles ? FixedChoice.tiles : nil)
      let concat = try #require(pair.fused.layer("y"))
      #expect((concat.engine.implementation == "in place") == c.isInPlace)
      if phase == .train {
        #expect(pair.passes(in: "y") == Set(c.fused.map { "\($0) (backward)" }))
      }
      for items in [4, 4, 3, 1, 6] { try pair.expectSame(["x": [items, 3, 9, 7]]) }
    }
  }

  /// Another number of channels of one bottom is another shape of the top, while the Convolutions are not
  /// prepared again.
  @Test func aBottomMayChangeAlone() throws {
    let pair = try FusedPair(
      """
      layer { name: "in" type: "Input" top: "c" top: "d"
        input_param { shape { dim: 4 dim: 16 dim: 5 dim: 5 } } }
      \(Self.convolution("a"))
      layer { name: "e" type: "AbsVal" bottom: "d" top: "e" }
      \(Self.concat("a", "e"))
      layer { name: "end" type: "AbsVal" bottom: "y" top: "end" }
      """, phase: .test)
    for channels in [16, 32, 16] { try pair.expectSame(["d": [4, channels, 5, 5]]) }
  }

  /// Whoever may look at the blobs of a net finds what each layer made.
  @Test func staysApartWhereBlobsCanBeSeen() throws {
    let seen = try TestNet.make(text(Self.cases[0]))
    let concat = try #require(seen.layer("y"))
    #expect(concat.engine.implementation == nil)
    #expect(seen.layers.allSatisfy { !($0.fusedInto?.contains("y (") ?? false) })
  }
}
