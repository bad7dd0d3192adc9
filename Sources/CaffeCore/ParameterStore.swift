import CaffeErrors

/// All learnable values of a net in one contiguous buffer, all gradients in a second, and each
/// solver history in one more; a parameter blob is a window on the first two.
///
/// So an update is one pass over memory and a gradient norm one reduction. Windows start on cache
/// lines; the gaps between them stay zero.
public final class ParameterStore {
  /// One parameter's window: `offset..<offset + count` in every buffer.
  public struct Segment: Sendable {
    public let offset: Int
    public let shape: Shape
    public var count: Int { shape.count }
  }

  public let segments: [Segment]
  public let blobs: [Blob]
  /// Values, gradients: `count` floats each, gaps included.
  package let data: Tensor
  package let gradient: Tensor
  /// The solver's memory, as many buffers as its rule needs.
  package private(set) var history: [Tensor] = []
  public let count: Int

  /// - Throws: when all parameters together exceed the bound of a `Shape`.
  public init(_ parameters: [(name: String, shape: Shape)]) throws {
    let line = AlignedMemory.alignment / MemoryLayout<Float>.stride
    var offset = 0
    segments = parameters.map { parameter in
      defer { offset += (parameter.shape.count + line - 1) / line * line }
      return Segment(offset: offset, shape: parameter.shape)
    }
    count = offset
    let whole = try withPlace("all parameters together") { try Shape([offset]) }
    let data = Tensor(whole)
    let gradient = Tensor(whole)
    self.data = data
    self.gradient = gradient
    blobs = zip(parameters, segments).map { parameter, segment in
      Blob(
        parameter.name,
        data: Tensor(segment.shape, windowOn: data.storage, at: segment.offset),
        diff: Tensor(segment.shape, windowOn: gradient.storage, at: segment.offset))
    }
  }

  /// Sets all gradients to zero.
  package func clearGradients() {
    gradient.overwrite().update(repeating: 0, count: gradient.count)
    noteClearGradients()
  }

  /// Says that all gradients have just become zero.
  package func noteClearGradients() {
    for blob in blobs { blob.diff.noteZeros() }
  }

  /// Takes zeroed memory for `buffers` histories, unless they are there already.
  package func prepareHistory(_ buffers: Int) {
    while history.count < buffers { history.append(Tensor(data.shape)) }
  }

  /// The window of parameter `index` on history buffer `buffer`.
  package func history(_ buffer: Int, of index: Int) -> Tensor {
    let segment = segments[index]
    return Tensor(segment.shape, windowOn: history[buffer].storage, at: segment.offset)
  }
}
