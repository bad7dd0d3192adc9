/// How a camera was held, as the Exif data of a JPEG file tell: OpenCV turns the picture accordingly,
/// so Caffe sees it upright.
enum JPEGOrientation: UInt16 {
  case upright = 1
  case mirrored
  case upsideDown
  case flipped
  case transposed
  case turnedLeft
  case transversed
  case turnedRight

  /// Where the picture's first row and column are to be, by whether they change places and which of
  /// the two then runs backwards.
  private var turns: (transposes: Bool, reversesRows: Bool, reversesColumns: Bool) {
    switch self {
    case .upright: (false, false, false)
    case .mirrored: (false, false, true)
    case .upsideDown: (false, true, true)
    case .flipped: (false, true, false)
    case .transposed: (true, false, false)
    case .turnedLeft: (true, false, true)
    case .transversed: (true, true, true)
    case .turnedRight: (true, true, false)
    }
  }

  /// What the first APP1 segment says; upright if it, or what is before it, makes no sense.
  ///
  /// Source: OpenCV 4.5, `exif.cpp`.
  init(of file: UnsafeRawBufferPointer) {
    self = Self.exif(in: file).flatMap(Self.orientation).flatMap(Self.init) ?? .upright
  }

  func applied(to image: Image) -> Image {
    guard self != .upright else { return image }
    let turns = turns
    let (height, width) =
      turns.transposes ? (image.width, image.height) : (image.height, image.width)
    let channels = image.channels
    var pixels: [UInt8] = []
    pixels.reserveCapacity(image.pixels.count)
    for y in 0..<height {
      let row = turns.reversesRows ? height - 1 - y : y
      for x in 0..<width {
        let column = turns.reversesColumns ? width - 1 - x : x
        let source = turns.transposes ? column * image.width + row : row * image.width + column
        pixels += image.pixels[source * channels..<(source + 1) * channels]
      }
    }
    return Image(height: height, width: width, channels: channels, pixels: pixels)
  }

  /// The TIFF structure in the first APP1 segment.
  private static func exif(in file: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    var place = 2  // behind the marker that starts every file
    while place + 4 <= file.count {
      let marker = file[place + 1]
      let size = Int(file[place + 2]) << 8 | Int(file[place + 3])
      let end = place + 2 + size
      guard file[place] == 0xFF, size >= 2, end <= file.count else { return nil }
      switch marker {
      case 0xE1: return size > 8 ? UnsafeRawBufferPointer(rebasing: file[place + 10..<end]) : nil
      case 0xC0, 0xC2, 0xC4, 0xD0...0xD7, 0xDA...0xDB, 0xDD, 0xE0...0xEF, 0xFE: place = end
      default: return nil
      }
    }
    return nil
  }

  /// The value of tag 0x0112 in the first directory.
  private static func orientation(in tiff: UnsafeRawBufferPointer) -> UInt16? {
    guard tiff.count >= 8, tiff[0] == tiff[1], tiff[0] == 0x49 || tiff[0] == 0x4D else {
      return nil
    }
    let isLittle = tiff[0] == 0x49
    func number(at place: Int) -> UInt16? {
      guard place >= 0, place + 2 <= tiff.count else { return nil }
      let (first, second) = (UInt16(tiff[place]), UInt16(tiff[place + 1]))
      return isLittle ? second << 8 | first : first << 8 | second
    }
    func offset(at place: Int) -> Int? {
      guard let first = number(at: place), let second = number(at: place + 2) else { return nil }
      return isLittle ? Int(second) << 16 | Int(first) : Int(first) << 16 | Int(second)
    }
    guard number(at: 2) == 0x2A, let directory = offset(at: 4), let count = number(at: directory)
    else { return nil }
    for entry in 0..<Int(count) {
      let place = directory + 2 + 12 * entry
      guard let tag = number(at: place) else { return nil }
      if tag == 0x0112 { return number(at: place + 8) }
    }
    return nil
  }
}
