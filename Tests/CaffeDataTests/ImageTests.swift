import CaffeData
import CaffeErrors
import Testing

/// The pixels of the fixtures, 2 rows of 3, as red, green, blue.
private let red: [UInt8] = [255, 0, 0, 1, 40, 255]
private let green: [UInt8] = [0, 255, 0, 2, 50, 255]
private let blue: [UInt8] = [0, 0, 255, 3, 60, 255]
private let interleaved = (0..<6).flatMap { [blue[$0], green[$0], red[$0]] }

@Suite struct ImageTests {
  @Test(arguments: ["rgb.png", "rgba.png", "palette.png"], [ImageDecoder.Colors.color, .native])
  func readsColorAsBlueGreenRed(name: String, colors: ImageDecoder.Colors) throws {
    let image = try ImageDecoder.decode(file: fixture(name), colors)
    #expect(image == Image(height: 2, width: 3, channels: 3, pixels: interleaved))
  }

  @Test(arguments: ["gray.png", "gray-alpha.png", "gray16.png"])
  func readsGray(name: String) throws {
    for colors in [ImageDecoder.Colors.gray, .native] {
      let image = try ImageDecoder.decode(file: fixture(name), colors)
      #expect(image == Image(height: 2, width: 3, channels: 1, pixels: red))
    }
    let image = try ImageDecoder.decode(file: fixture(name), .color)
    #expect(image.pixels == red.flatMap { [$0, $0, $0] })
  }

  @Test func expandsBits() throws {
    let image = try ImageDecoder.decode(file: fixture("bits.png"), .native)
    #expect(image.pixels == red.map { $0 > 39 ? 255 : 0 })
  }

  /// 0.299 red + 0.587 green + 0.114 blue.
  @Test func makesGrayOfColor() throws {
    let image = try ImageDecoder.decode(file: fixture("rgb.png"), .gray)
    #expect(image.channels == 1)
    for (index, gray) in image.pixels.enumerated() {
      let exact =
        0.299 * Double(red[index]) + 0.587 * Double(green[index]) + 0.114 * Double(blue[index])
      #expect(abs(Double(gray) - exact) <= 1)
    }
  }

  @Test(arguments: [("gray.jpg", 1), ("color.jpg", 3)])
  func readsJPEG(name: String, channels: Int) throws {
    for (colors, wanted) in [(ImageDecoder.Colors.gray, 1), (.color, 3), (.native, channels)] {
      let image = try ImageDecoder.decode(file: fixture(name), colors)
      let expected = [UInt8](repeating: 77, count: 9 * 17 * wanted)
      #expect(image == Image(height: 9, width: 17, channels: wanted, pixels: expected))
    }
  }

  /// Ink 128 and key 128 are stored inverted, as 127: 127 − ⌊(255 − 127)·127 / 256⌋ = 64.
  @Test func readsInkOfPrinters() throws {
    let image = try ImageDecoder.decode(file: fixture("cmyk.jpg"), .color)
    #expect(image.channels == 3)
    #expect(Set(image.pixels) == [64])
    let gray = try ImageDecoder.decode(file: fixture("cmyk.jpg"), .gray)
    #expect(
      gray == Image(height: 9, width: 17, channels: 1, pixels: Array(repeating: 64, count: 9 * 17)))
  }

  /// 0 100 200  →  to half the width: centres at 0.25 and 1.75 … and to twice: edges repeated.
  @Test func scalesAsOpenCVDoes() {
    let image = Image(height: 1, width: 3, channels: 1, pixels: [0, 100, 200])
    #expect(image.resized(height: 1, width: 6).pixels == [0, 25, 75, 125, 175, 200])
    #expect(image.resized(height: 1, width: 1).pixels == [100])
    #expect(image.resized(height: 3, width: 3).pixels == [0, 100, 200, 0, 100, 200, 0, 100, 200])
    #expect(image.resized(height: 1, width: 3) == image)
  }

  /// Enlarged rows, of BVLC Caffe 1.0.0 (Debian 11's package, OpenCV 4.5.1): those beyond the first and
  /// the last row are not quite these rows.
  @Test func scalesUpAsOpenCVDoes() {
    let image = Image(
      height: 2, width: 3, channels: 1, pixels: [215, 219, 70, 236, 140, 186])
    #expect(
      image.resized(height: 6, width: 5).pixels == [
        215, 216, 219, 129, 70, 215, 217, 219, 130, 70, 222, 210, 192, 142, 109, 229, 204, 166,
        155, 147, 236, 198, 140, 168, 186, 236, 197, 140, 167, 186,
      ])
  }

  /// Four blocks of gray, as the camera stored them and as OpenCV, and so Caffe, shows them.
  @Test(
    arguments: [
      (0, [0, 80, 160, 240]), (1, [0, 80, 160, 240]), (2, [80, 0, 240, 160]),
      (3, [240, 160, 80, 0]), (4, [160, 240, 0, 80]), (5, [0, 160, 80, 240]),
      (6, [160, 0, 240, 80]), (7, [240, 80, 160, 0]), (8, [80, 240, 0, 160]),
      (9, [0, 80, 160, 240]),
    ] as [(UInt8, [Int])], [false, true])
  func turnsPhotographs(_ turn: (orientation: UInt8, blocks: [Int]), isBigEndian: Bool) throws {
    var pixels: [UInt8] = []
    for level in [0, 160] as [UInt8] {
      let row = [level, level + 80].flatMap { Array(repeating: $0, count: 16) }
      for _ in 0..<8 { pixels += row }
    }
    let stored = Image(height: 16, width: 32, channels: 1, pixels: pixels)
    let file = photograph(stored, turn.orientation, isBigEndian: isBigEndian)
    for colors in [ImageDecoder.Colors.color, .gray] {
      let image = try file.withUnsafeBytes { try ImageDecoder.decode($0, colors) }
      let isOnItsSide = (5...8).contains(turn.orientation)
      #expect((image.height, image.width) == (isOnItsSide ? 32 : 16, isOnItsSide ? 16 : 32))
      var blocks: [Int] = []
      for y in [0, image.height - 1] {
        for x in [0, image.width - 1] {
          blocks.append(Int(image.pixels[(y * image.width + x) * image.channels]))
        }
      }
      #expect(zip(blocks, turn.blocks).allSatisfy { abs($0 - $1) <= 3 }, "\(blocks)")
    }
    let native = try file.withUnsafeBytes { try ImageDecoder.decode($0, .native) }
    #expect((native.height, native.width) == (16, 32))
    // Cut short anywhere, it is still no crash.
    for end in 0..<60 {
      _ = try? Array(file[..<end]).withUnsafeBytes { try ImageDecoder.decode($0, .color) }
    }
  }

  /// A JPEG file with an APP1 segment of one tag, the orientation.
  private func photograph(_ image: Image, _ orientation: UInt8, isBigEndian: Bool) -> [UInt8] {
    func number(_ value: UInt8, bytes: Int) -> [UInt8] {
      let zeros = [UInt8](repeating: 0, count: bytes - 1)
      return isBigEndian ? zeros + [value] : [value] + zeros
    }
    var tiff = Array((isBigEndian ? "MM" : "II").utf8)
    tiff += number(42, bytes: 2) + number(8, bytes: 4) + number(1, bytes: 2)
    tiff += isBigEndian ? [0x01, 0x12] : [0x12, 0x01]
    tiff += number(3, bytes: 2) + number(1, bytes: 4) + number(orientation, bytes: 2)
    tiff += [0, 0] + number(0, bytes: 4)
    let exif = Array("Exif".utf8) + [0, 0] + tiff
    let file = (try? ImageEncoder.encode(image, .jpg)) ?? []
    return file.prefix(2) + [0xFF, 0xE1, 0, UInt8(exif.count + 2)] + exif + file.dropFirst(2)
  }

  // MARK: Refusals

  @Test func tellsWhatIsNoImage() {
    expectError("the image is neither PNG, JPEG, BMP nor PNM") {
      _ = try ImageDecoder.decode(file: fixture("foreign.h5"), .color)
    }
    expectError("File not found: \(fixture("none.png"))") {
      _ = try ImageDecoder.decode(file: fixture("none.png"), .color)
    }
    expectError("the image is empty") {
      _ = try ImageDecoder.decode(UnsafeRawBufferPointer(start: nil, count: 0), .color)
    }
  }

  @Test(arguments: ["rgb.png", "palette.png", "color.jpg", "gray.jpg", "cmyk.jpg"])
  func cutAnywhereAnImageIsRefused(name: String) throws {
    let whole = try bytes(of: fixture(name))
    for length in 0..<whole.count - 2 {
      #expect(throws: CaffeError.self, "\(length) of \(whole.count)") {
        try whole[..<length].withUnsafeBytes { try ImageDecoder.decode($0, .color) }
      }
    }
  }

  /// Any byte changed: an error or a picture, never a crash.
  @Test(arguments: ["rgb.png", "gray16.png", "color.jpg", "cmyk.jpg"])
  func survivesDamageAnywhere(name: String) throws {
    let whole = try bytes(of: fixture(name))
    var refused = 0
    for index in whole.indices {
      for flip in [0x01, 0x80, 0xFF] as [UInt8] {
        var damaged = whole
        damaged[index] ^= flip
        do {
          _ = try damaged.withUnsafeBytes { try ImageDecoder.decode($0, .gray) }
        } catch {
          #expect(error is CaffeError)
          refused += 1
        }
      }
    }
    #expect(refused > 10)
  }

  @Test func refusesForgedExtents() throws {
    var forged = try bytes(of: fixture("rgb.png"))
    forged.replaceSubrange(16..<24, with: [0, 0, 0x40, 0, 0, 0, 0x40, 0])
    expectError("PNG image: the header claims 16384×16384 pixels in \(forged.count) bytes") {
      _ = try forged.withUnsafeBytes { try ImageDecoder.decode($0, .color) }
    }
    var photo = try bytes(of: fixture("gray.jpg"))
    let frame = try #require(photo.indices.first { photo[$0...].starts(with: [0xFF, 0xC0]) })
    expectError("JPEG image: the file is truncated: it ends before its header does") {
      _ = try photo[..<frame].withUnsafeBytes { try ImageDecoder.decode($0, .color) }
    }
    photo.replaceSubrange(frame + 5..<frame + 9, with: [0x20, 0, 0x20, 0])
    expectError("JPEG image: the header claims 8192×8192 pixels in \(photo.count) bytes") {
      _ = try photo.withUnsafeBytes { try ImageDecoder.decode($0, .color) }
    }
    forged.replaceSubrange(16..<24, with: [0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF])
    expectError("PNG image: the header claims 2147483647×2147483647 pixels; at most") {
      _ = try forged.withUnsafeBytes { try ImageDecoder.decode($0, .color) }
    }
  }
}
