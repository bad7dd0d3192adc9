import CaffeErrors
import CaffeKernels

extension Layer {
  /// Makes the implementation of this layer's arithmetic: the one its prototxt names, else the one
  /// the net was asked for, else oneDNN's unless it declines.
  ///
  /// - Parameter named: what the layer's `engine` field says, `nil` for `DEFAULT` and `CUDNN`.
  /// - Throws: when a named engine declines, with its sentence.
  package final func choose<Implementation>(
    named: Engine?, oneDNN: () throws -> Implementation, caffe: () throws -> Implementation
  ) throws -> Implementation {
    engine = EngineChoice()
    let wanted = named ?? context.engine
    guard wanted != .caffe else { return try caffe() }
    do {
      let implementation = try oneDNN()
      engine.engine = .oneDNN
      return implementation
    } catch let refusal as EngineRefusal {
      if named == .oneDNN { throw CaffeError("engine: \(refusal)") }
      engine.refusals.append("\(refusal)")
      return try caffe()
    }
  }

  /// Whether oneDNN is asked for, in the prototxt or for the whole net, so that it may take a bottom
  /// whose order does not suit it.
  package final func isOneDNNWanted(_ named: Engine?) -> Bool {
    (named ?? context.engine) == .oneDNN
  }
}
