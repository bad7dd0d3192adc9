import CaffeErrors

extension Message {
  /// Reads a message written in protobuf's text format, as a prototxt is.
  ///
  /// - Parameter file: The name that errors and locations carry.
  /// - Throws: CaffeError with `file:line:column` and what is wrong there.
  public init(text: String, file: String) throws {
    let bytes = Array(text.utf8)
    self.init(fields: try FieldStore(text: bytes, type: Self.descriptor, file: file))
  }

  /// Reads a prototxt file of at most 256 MiB.
  ///
  /// - Throws: CaffeError if the file cannot be read, is no text, or is not a `Self`.
  public init(contentsOfTextFile path: String) throws {
    let bytes = try FileBytes.read(path, limit: FileBytes.largestText)
    self.init(fields: try FieldStore(text: bytes, type: Self.descriptor, file: path))
  }

  /// Reads a prototxt file as far as it can be read: what is wrong with a field is added to `mistakes`,
  /// and the field is left out.
  ///
  /// - Throws: a mistake after which nothing can be read: a missing file, a bracket that nothing closes.
  package init(contentsOfTextFile path: String, mistakes: inout [CaffeError]) throws {
    let bytes = try FileBytes.read(path, limit: FileBytes.largestText)
    try TextCheck.refuseBinary(bytes, file: path, expected: Self.descriptor)
    var parser = try TextParser(bytes, file: path)
    parser.mistakes = []
    defer { mistakes += parser.mistakes ?? [] }
    self.init(fields: try parser.parse(Self.descriptor))
  }

  /// The message in text format, as a prototxt: fields by number, two spaces a level.
  public func text() -> String { fields.text() }
}

extension FieldStore {
  /// Reads a message of the given type; ``Message/init(text:file:)`` for types known at run time.
  package init(text: [UInt8], type: MessageDescriptor, file: String) throws {
    try TextCheck.refuseBinary(text, file: file, expected: type)
    var parser = try TextParser(text, file: file)
    self = try parser.parse(type)
  }

  package func text() -> String { TextPrinter.text(of: self) }
}

/// Tells files that are no prototxt by their content.
private enum TextCheck {
  static func refuseBinary(
    _ bytes: [UInt8], file: String, expected: MessageDescriptor
  ) throws {
    if bytes.starts(with: [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]) {
      throw CaffeError("\(file) is an HDF5 file, not text")
    }
    if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
      throw CaffeError("\(file) is UTF-16 text; save it as UTF-8")
    }
    let hasControls = bytes.prefix(4096).contains { $0 < 0x09 || (0x0E..<0x20).contains($0) }
    guard hasControls else { return }
    let isMessage = bytes.withUnsafeBytes { (try? FieldStore(binary: $0, type: expected)) != nil }
    throw CaffeError("\(file) is a \(isMessage ? "binary protobuf" : "binary file"), not text")
  }
}
