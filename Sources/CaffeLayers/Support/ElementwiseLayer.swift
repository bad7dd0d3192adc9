import CaffeCore
import CaffeKernels
import CaffeSchema

/// A layer y = f(x), element by element, for any shape.
///
/// A subclass computes f and its gradient on buffers; this class chooses the order of the values and
/// keeps the bottom where the layer runs in place and its gradient needs it.
class ElementwiseLayer: Layer {
  /// Whether f(0) = 0: only then may the layer run over an order that pads with zeros.
  var keepsZero: Bool { false }
  /// Whether the gradient is computed from x, not from y alone.
  var gradientNeedsInput: Bool { false }

  /// output ← f(input); the buffers may be one.
  func apply(
    _ input: UnsafePointer<Float>, count: Int, into output: UnsafeMutablePointer<Float>
  ) {
    preconditionFailure("\(Self.self) does not say what it computes")
  }

  /// inputGradient ← gradient · f'(input); it may be `gradient`.
  ///
  /// - Parameter input: x where `gradientNeedsInput`, else y.
  func applyGradient(
    _ gradient: UnsafePointer<Float>, input: UnsafePointer<Float>, output: UnsafePointer<Float>,
    count: Int, into inputGradient: UnsafeMutablePointer<Float>
  ) {
    preconditionFailure("\(Self.self) does not say what its gradient is")
  }

  private var kept = KeptInput()

  override final func outputShapes(for bottoms: [Shape]) throws -> [Shape] { [bottoms[0]] }

  override final func treatsItemsAlone(for bottoms: [Shape]) -> Bool { true }

  override final func reshape() throws {
    kept.prepare(for: self, isNeeded: gradientNeedsInput && propagateDown[0])
    announceTop(in: order(of: bottom[0].data))
  }

  override final func forward() throws {
    let order = order(of: bottom[0].data)
    let input = kept.take(bottom[0].data).read(in: order)
    apply(
      input, count: top[0].data.extent(in: order), into: top[0].data.overwrite(in: order))
  }

  override final func backward(propagateDown: [Bool]) throws {
    defer { kept.release() }
    guard propagateDown[0] else { return }
    let order = order(of: top[0].diff)
    let gradient = top[0].diff.read(in: order)
    let output = top[0].data.read(in: order)
    let input = gradientNeedsInput ? kept.values(of: bottom[0].data).read(in: order) : output
    applyGradient(
      gradient, input: input, output: output, count: bottom[0].diff.extent(in: order),
      into: bottom[0].diff.overwrite(in: order))
  }

  private func order(of tensor: Tensor) -> (any PackedLayout)? { keepsZero ? tensor.layout : nil }
}
