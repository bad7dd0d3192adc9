/// Where in a text file something was written; prints as `lenet.prototxt:14:5`.
public struct SourceLocation: Sendable, Hashable, CustomStringConvertible {
  public let file: String
  /// Counted from 1.
  public let line: Int
  /// Counted from 1, in characters; a tab is one.
  public let column: Int

  public init(file: String, line: Int, column: Int) {
    self.file = file
    self.line = line
    self.column = column
  }

  public var description: String { "\(file):\(line):\(column)" }
}
