import CaffeErrors
import CaffeSchema

/// A window file of R-CNN: images, and in each the windows that a search proposed.
///
///     # 0                      the image's number, from 0 on
///     images/000005.jpg
///     3 375 500                channels, height, width
///     2                        how many windows follow
///     9 0.71 262 210 323 338   label, overlap with the truth, x1 y1 x2 y2 (inclusive)
///     0 0.12 1 1 50 60
///
/// Words are divided by any white space, so paths have none.
///
/// Source: BVLC Caffe, `window_data_layer.cpp`.
package struct WindowFile {
  package struct Window: Equatable, Sendable {
    package var image: Int
    package var label: Int32
    package var overlap: Float
    /// From `left` to `right` and from `top` to `bottom`, both included.
    package var left: Int32
    package var top: Int32
    package var right: Int32
    package var bottom: Int32

    package init(
      image: Int, label: Int32, overlap: Float, left: Int32, top: Int32, right: Int32,
      bottom: Int32
    ) {
      self.image = image
      self.label = label
      self.overlap = overlap
      self.left = left
      self.top = top
      self.right = right
      self.bottom = bottom
    }
  }

  /// As written in the file.
  private(set) var images: [String] = []
  private(set) var windows: [Window] = []

  /// A file of 10 million windows has some 250 MB.
  private static let mostBytes = 8 << 30

  /// - Parameter keeps: which windows are worth their memory.
  package init(_ path: String, keeping keeps: (Window) -> Bool = { _ in true }) throws {
    try FileBytes.withBytes(of: path, limit: Self.mostBytes) { bytes in
      var words = WordReader(bytes)
      do {
        while let mark = words.next() { try readImage(after: mark, &words, keeps) }
        guard !images.isEmpty else { throw CaffeError("the window file names no image") }
      } catch let error as CaffeError {
        throw CaffeError(error.message, places: [path, "line \(words.line)"])
      }
    }
  }

  private mutating func readImage(
    after mark: String, _ words: inout WordReader, _ keeps: (Window) -> Bool
  ) throws {
    guard mark == "#" else {
      throw CaffeError("'#' must begin an image, got '\(mark)'; does its window count fit?")
    }
    let number = try words.number("the image's number", Int.self)
    guard number == images.count else {
      throw CaffeError("images are numbered from 0 on: \(images.count) comes next, got \(number)")
    }
    images.append(try words.word("the image's path"))
    let channels = try words.number("the image's channels", Int.self)
    guard channels == 3 else {
      throw CaffeError("images are read in colour: their channels must be 3, got \(channels)")
    }
    _ = try words.number("the image's height", Int.self)
    _ = try words.number("the image's width", Int.self)
    let count = try words.number("the number of windows", Int.self)
    guard count >= 0 else {
      throw CaffeError("the number of windows must not be negative, got \(count)")
    }
    for _ in 0..<count {
      let window = try readWindow(&words, image: number)
      if keeps(window) { windows.append(window) }
    }
  }

  private func readWindow(_ words: inout WordReader, image: Int) throws -> Window {
    let window = Window(
      image: image, label: try words.number("a window's label", Int32.self),
      overlap: try words.number("a window's overlap", Float.self),
      left: try words.number("x1", Int32.self), top: try words.number("y1", Int32.self),
      right: try words.number("x2", Int32.self), bottom: try words.number("y2", Int32.self))
    guard window.left <= window.right, window.top <= window.bottom else {
      throw CaffeError(
        "a window needs x1 ≤ x2 and y1 ≤ y2, got "
          + "\(window.left) \(window.top) \(window.right) \(window.bottom)")
    }
    return window
  }
}

/// Words of a text, one after the other, and the line they stand on.
private struct WordReader {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0
  private(set) var line = 1

  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
  }

  /// The next word; nil after the last.
  mutating func next() -> String? {
    while position < bytes.count, Self.isBlank(bytes[position]) {
      if bytes[position] == UInt8(ascii: "\n") { line += 1 }
      position += 1
    }
    let start = position
    while position < bytes.count, !Self.isBlank(bytes[position]) { position += 1 }
    return start == position ? nil : String(decoding: bytes[start..<position], as: UTF8.self)
  }

  /// The next word, which must be there.
  mutating func word(_ name: String) throws -> String {
    guard let word = next() else { throw CaffeError("the file ends before \(name)") }
    return word
  }

  mutating func number<Number: LosslessStringConvertible>(
    _ name: String, _ type: Number.Type
  ) throws -> Number {
    let word = try word(name)
    guard let number = Number(word) else {
      throw CaffeError(
        "\(name) must be a \(type == Float.self ? "" : "whole ")number, got '\(word)'")
    }
    return number
  }

  private static func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || (UInt8(ascii: "\t")...UInt8(ascii: "\r")).contains(byte)
  }
}
