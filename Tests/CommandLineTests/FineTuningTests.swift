import CaffeTestSupport
import Testing

/// Weights of a net with another number of classes.
@Suite struct FineTuningTests {
  private static let sentence =
    "Cannot copy param 0 weights from layer 'ip'; shape mismatch.  Source param shape is 3 36 (108); "
    + "target param shape is 4 36 (144). To learn this layer's parameters from scratch rather than "
    + "copying from a saved net, rename the layer, or give --skip-mismatch."
  private static let line =
    "Skipping layer ip, which keeps its values: param 0 has shape 3 36 (108) in the file, 4 36 (144) in the net"

  @Test(arguments: ["BINARYPROTO", "HDF5"])
  func aChangedLayerIsRefusedOrLearnedFromScratch(format: String) throws {
    let ending = format == "HDF5" ? ".caffemodel.h5" : ".caffemodel"
    let solver =
      "max_iter: 1 snapshot_prefix: \"tiny\" snapshot_format: \(format) test_iter: 1 test_interval: 5 "
    let old = try Workshop(solver: solver)
    #expect(try old.run("train", "--solver", "solver.prototxt").status == 0)
    let new = try Workshop(net: [("num_output: 3", "num_output: 4")], solver: solver)
    try new.folder.write("old", old.folder.read("tiny_iter_1" + ending))
    let commands = [
      ["train", "--solver", "solver.prototxt", "--weights", "old"],
      ["test", "--model", "net.prototxt", "--weights", "old", "--iterations", "1"],
    ]
    for command in commands {
      let refused = try new.run(command)
      #expect(refused.status == 1, "\(refused)")
      #expect(refused.complaints == ["caffe-swift: old: " + Self.sentence], "\(refused)")
      let skipped = try new.run(command + ["--skip-mismatch"])
      #expect(skipped.status == 0 && skipped.complaints.isEmpty, "\(skipped)")
      #expect(skipped.log.filter { $0 == Self.line }.count == 1, "\(skipped)")
    }
  }
}
