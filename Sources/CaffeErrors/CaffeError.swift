/// What went wrong, in the user's words, and where: file, net, layer, from the outside in.
///
///     lenet.prototxt: net 'LeNet': layer 'pool1' (Pooling), line 31: pad must be in 0..<kernel_size (0..<2), got 2
///
/// One line, whatever the names and values from files in it: their control characters are escaped.
///
/// Everything a user or the machine can cause is thrown as this type; only our own mistakes trap.
public struct CaffeError: Error, Equatable, Sendable, CustomStringConvertible {
  public let message: String
  /// The places the error passed on its way out, outermost first.
  public private(set) var places: [String]

  public init(_ message: String, places: [String] = []) {
    self.message = message
    self.places = places
  }

  /// The same error, seen from one place further out.
  public func within(_ place: String) -> CaffeError {
    CaffeError(message, places: [place] + places)
  }

  public var description: String { Text.oneLine((places + [message]).joined(separator: ": ")) }
}

/// Runs `body`; an error leaves it carrying the name of this place.
@inlinable
public func withPlace<Result>(
  _ place: @autoclosure () -> String, _ body: () throws -> Result
) throws -> Result {
  do {
    return try body()
  } catch let error as CaffeError {
    throw error.within(place())
  }
}
