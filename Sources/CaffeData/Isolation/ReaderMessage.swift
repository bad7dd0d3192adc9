/// Numbers, texts and bytes in a row, as they travel between this process and a reader process.
///
/// What comes back is not believed: a length that the bytes cannot hold is `ReaderFailure.nonsense`.
struct ReaderMessage {
  private(set) var bytes: [UInt8]
  private var place = 0

  init(_ bytes: [UInt8] = []) { self.bytes = bytes }

  // MARK: Writing

  /// Begins anew, in the same memory.
  mutating func clear() {
    bytes.removeAll(keepingCapacity: true)
    place = 0
  }

  mutating func put(_ number: Int) {
    withUnsafeBytes(of: number) { bytes.append(contentsOf: $0) }
  }

  mutating func put(_ content: UnsafeRawBufferPointer) {
    put(content.count)
    bytes.append(contentsOf: content)
  }

  mutating func put(_ text: String) {
    var text = text
    text.withUTF8 { put(UnsafeRawBufferPointer($0)) }
  }

  mutating func put(_ numbers: [Int]) {
    put(numbers.count)
    numbers.withUnsafeBytes { bytes.append(contentsOf: $0) }
  }

  mutating func put(_ texts: [String]) {
    put(texts.count)
    for text in texts { put(text) }
  }

  // MARK: Reading

  /// Whether all has been read.
  var isAtEnd: Bool { place == bytes.count }

  mutating func number() throws -> Int {
    let start = try advance(by: MemoryLayout<Int>.size)
    return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: start, as: Int.self) }
  }

  /// Where a piece of bytes lies in `bytes`.
  mutating func piece() throws -> Range<Int> {
    let count = try number()
    let start = try advance(by: count)
    return start..<start + count
  }

  mutating func text() throws -> String {
    String(decoding: bytes[try piece()], as: UTF8.self)
  }

  mutating func numbers() throws -> [Int] {
    let count = try number()
    guard (0...bytes.count).contains(count) else { throw ReaderFailure.nonsense }
    return try (0..<count).map { _ in try number() }
  }

  mutating func texts() throws -> [String] {
    let count = try number()
    guard (0...bytes.count).contains(count) else { throw ReaderFailure.nonsense }
    return try (0..<count).map { _ in try text() }
  }

  /// Passes `count` bytes over.
  ///
  /// - Returns: where they begin.
  private mutating func advance(by count: Int) throws -> Int {
    guard count >= 0, count <= bytes.count - place else { throw ReaderFailure.nonsense }
    defer { place += count }
    return place
  }
}
