import CaffeCore
import CaffeErrors

extension Net {
  /// Caffe's lines about a net that has been set up. The memory is that of all tops so far, in bytes,
  /// those that share another's memory included.
  ///
  /// Source: BVLC Caffe, `Net::Init`.
  func report(_ plan: NetPlan, to report: (String) -> Void) {
    var values = 0
    for planned in plan.layers {
      let name = planned.parameter.name
      report("Creating Layer \(name)")
      for bottom in planned.bottoms { report("\(name) <- \(plan.blobs[bottom].name)") }
      for (position, top) in planned.tops.enumerated() {
        let isInPlace = position < planned.bottoms.count && planned.bottoms[position] == top
        report("\(name) -> \(plan.blobs[top].name)\(isInPlace ? " (in-place)" : "")")
      }
      report("Setting up \(name)")
      for (top, weight) in zip(planned.tops, planned.lossWeights) {
        let shape = plan.blobs[top].shape
        values += shape.count
        report("Top shape: \(shape)")
        if weight != 0 { report("    with loss weight \(Text.number(weight))") }
      }
      report("Memory required for data: \(values * MemoryLayout<Float>.size)")
    }
    for planned in plan.layers.reversed() {
      let does = planned.needsBackward ? "needs" : "does not need"
      report("\(planned.parameter.name) \(does) backward computation.")
    }
    for output in outputs { report("This network produces output \(output.blob.name)") }
    report("Network initialization done.")
  }
}
