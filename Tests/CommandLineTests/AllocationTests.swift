import CaffeKernels
import CaffeTestSupport
import Testing

/// Training asks for no memory once it runs: a larger number of iterations makes as many requests.
///
/// Requests below 256 bytes do not count: oneDNN makes some for each run of a primitive, and one of 304
/// for a convolution on AMX.
@Suite(
  .enabled(if: Shim.allocations != nil, "counting requests needs a C compiler"),
  .disabled(if: Sanitizer.isOn, "a sanitizer takes requests of memory before they are counted"))
struct AllocationTests {
  /// Convolutions, normalisations, poolings, a sum, a concatenation, products: what the nets of the
  /// literature are made of.
  private static let net = """
    layer { name: "d" type: "DummyData" top: "x" top: "t" dummy_data_param {
      shape { dim: 4 dim: 3 dim: 17 dim: 17 } shape { dim: 4 }
      data_filler { type: "gaussian" } data_filler { type: "constant" value: 1 } } }
    \(convolution("c1", "x", kernel: 3))
    layer { name: "r1" type: "ReLU" bottom: "c1" top: "c1" }
    layer { name: "n1" type: "LRN" bottom: "c1" top: "n1" }
    layer { name: "p1" type: "Pooling" bottom: "n1" top: "p1"
      pooling_param { kernel_size: 3 stride: 2 } }
    \(convolution("c2", "p1", kernel: 3))
    layer { name: "b2" type: "BatchNorm" bottom: "c2" top: "c2" }
    layer { name: "s2" type: "Scale" bottom: "c2" top: "c2" scale_param { bias_term: true } }
    layer { name: "r2" type: "ReLU" bottom: "c2" top: "c2" }
    \(convolution("c3", "c2", kernel: 1))
    \(convolution("c4", "c2", kernel: 3))
    layer { name: "e" type: "Eltwise" bottom: "c3" bottom: "p1" top: "e" }
    layer { name: "r3" type: "ReLU" bottom: "e" top: "e" }
    layer { name: "j" type: "Concat" bottom: "e" bottom: "c4" top: "j" }
    layer { name: "p2" type: "Pooling" bottom: "j" top: "p2"
      pooling_param { pool: AVE kernel_size: 2 stride: 2 } }
    layer { name: "h" type: "InnerProduct" bottom: "p2" top: "h"
      inner_product_param { num_output: 40 weight_filler { type: "xavier" } } }
    layer { name: "o" type: "Dropout" bottom: "h" top: "h" }
    layer { name: "y" type: "InnerProduct" bottom: "h" top: "y"
      inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
    layer { name: "loss" type: "SoftmaxWithLoss" bottom: "y" bottom: "t" top: "loss" }
    """

  private static func convolution(_ name: String, _ bottom: String, kernel: Int) -> String {
    """
    layer { name: "\(name)" type: "Convolution" bottom: "\(bottom)" top: "\(name)"
      convolution_param { num_output: 16 kernel_size: \(kernel) pad: \(kernel / 2)
        weight_filler { type: "xavier" } } }
    """
  }

  /// Solvers, and the bytes from which requests count.
  private static let solvers: [(String, bytes: Int)] =
    [("type: 'SGD'", 256), ("type: 'Adam'", 256)]
    + (Precision.isBFloat16Native ? [("precision: BF16", 305)] : [])

  @Test(arguments: solvers)
  func trainingAsksForNoMemory(_ solver: String, fromBytes bytes: Int) throws {
    let folder = try TemporaryFolder()
    try folder.write("net.prototxt", AllocationTests.net)
    try folder.write(
      "solver.prototxt",
      """
      net: "net.prototxt" \(solver) base_lr: 0.001 momentum: 0.9 momentum2: 0.99
      lr_policy: "fixed" random_seed: 1
      """)
    let few = try requests(fromBytes: bytes, iterations: 4, in: folder)
    #expect(few > 100)
    // The set-up makes one or two more in some runs; one in each iteration would make 16 more.
    #expect(abs(try requests(fromBytes: bytes, iterations: 20, in: folder) - few) < 8)
  }

  private func requests(fromBytes bytes: Int, iterations: Int, in folder: TemporaryFolder) throws
    -> Int
  {
    let outcome = try Run(
      ["time", "--solver", "solver.prototxt", "--iterations", "\(iterations)"], in: folder,
      environment: [
        "LD_PRELOAD": Shim.allocations?.path ?? "", "ALLOCATION_BYTES": "\(bytes)",
        "ALLOCATION_REPORT": folder("report"), "OMP_NUM_THREADS": "1",
      ]
    ).outcome()
    #expect(outcome.status == 0, "\(outcome)")
    return try #require(Int(String(decoding: try folder.read("report"), as: UTF8.self)))
  }
}
