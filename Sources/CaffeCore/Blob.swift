/// A named pair of tensors of one shape: `data` (values) and `diff` (gradient of the loss by them).
///
/// Memory is taken at first use, so a blob whose gradient nobody asks for has none.
public final class Blob {
  public let name: String
  public let data: Tensor
  public let diff: Tensor

  public init(_ name: String, _ shape: Shape = [0]) {
    self.name = name
    data = Tensor(shape)
    diff = Tensor(shape)
  }

  init(_ name: String, data: Tensor, diff: Tensor) {
    precondition(data.shape == diff.shape, "data \(data.shape), diff \(diff.shape)")
    self.name = name
    self.data = data
    self.diff = diff
  }

  public var shape: Shape { data.shape }
  public var count: Int { data.count }

  public func reshape(_ shape: Shape) {
    data.reshape(shape)
    diff.reshape(shape)
  }

  /// This blob, or a view of it under another shape of the same count.
  package func seen(as shape: Shape) -> Blob {
    if shape == self.shape { return self }
    let view = Blob(name, shape)
    view.share(self)
    return view
  }

  /// Takes memory for values and gradient from `pool` from now on.
  package func draw(from pool: MemoryPool) {
    data.draw(from: pool)
    diff.draw(from: pool)
  }

  /// Makes this blob a view of `other`, values and gradients.
  package func share(_ other: Blob) {
    data.share(other.data)
    diff.share(other.diff)
  }
}
