import COneDNN

/// A sum or a concatenation of packed bottoms run by oneDNN, so that neither has to be unpacked.
package final class OneDNNJoin {
  package enum Operation: Hashable, Sendable {
    /// `Σ coefficientᵢ·xᵢ`; one coefficient per bottom, all of the same extents.
    case sum([Float])
    /// One after the other along an axis; all other extents are equal.
    case concatenation(axis: Int)
  }

  package let outputLayout: OneDNNMemoryLayout
  package let implementation: String
  private let primitive: Primitive
  private let inputCount: Int
  private let scratchpad: Scratchpad
  private let scratch: Scratchpad.Region

  /// - Parameter output: the order of the top; the one oneDNN finds for these bottoms by default.
  /// - Throws: `EngineRefusal` if oneDNN has only slow code for these layouts.
  package init(
    _ operation: Operation, inputs: [OneDNNMemoryLayout], output: LayoutRequest = .any,
    scratchpad: Scratchpad
  ) throws {
    precondition(!inputs.isEmpty, "nothing to join")
    let extents = operation.outputExtents(inputs.map(\.extents))
    let chosen = try operation.descriptor(
      inputs: inputs.map(\.descriptor.raw), output: output.descriptor(extents))
    outputLayout = chosen.layout(.output)
    implementation = chosen.implementation
    primitive = try Primitive(
      chosen, arguments: inputs.indices.map { Argument.input($0) } + [.output])
    inputCount = inputs.count
    self.scratchpad = scratchpad
    scratch = scratchpad.claim(chosen.byteCount(.scratchpad))
  }

  /// Tells where the values of bottom `index` are for the next `run`.
  package func setInput(_ index: Int, _ values: UnsafeRawPointer) {
    precondition((0..<inputCount).contains(index), "bottom \(index) of \(inputCount)")
    primitive.bind(.input(index), values)
  }

  /// Overwrites `output`, which may be the first bottom of a sum.
  package func run(into output: UnsafeMutableRawPointer) {
    primitive.bind(.output, output)
    primitive.run(scratchpad: scratchpad.pointer(to: scratch))
  }
}

extension OneDNNJoin.Operation {
  fileprivate func outputExtents(_ inputs: [[Int]]) -> [Int] {
    guard case .concatenation(let axis) = self else { return inputs[0] }
    var extents = inputs[0]
    extents[axis] = inputs.reduce(0) { $0 + $1[axis] }
    return extents
  }

  fileprivate func descriptor(
    inputs: [dnnl_memory_desc_t], output: MemoryDescriptor
  ) throws -> PrimitiveDescriptor {
    let attributes = try Attributes()
    var output = output.raw
    let count = Int32(inputs.count)
    switch self {
    case .sum(let coefficients):
      precondition(coefficients.count == inputs.count, "one coefficient per bottom")
      return try PrimitiveDescriptor("sum") { runtime, created in
        dnnl_sum_primitive_desc_create(
          &created, &output, count, coefficients, inputs, attributes.raw, runtime.engine)
      }
    case .concatenation(let axis):
      return try PrimitiveDescriptor("concatenation") { runtime, created in
        dnnl_concat_primitive_desc_create(
          &created, &output, count, Int32(axis), inputs, attributes.raw, runtime.engine)
      }
    }
  }
}
