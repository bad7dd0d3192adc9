import CaffeErrors

/// Encodes pictures as JPEG or PNG files, as OpenCV does by default.
package enum ImageEncoder {
  /// The kinds of files, named by their usual extension.
  package enum Format: String, Sendable, CaseIterable {
    case jpg
    case png

    /// The format of an extension (`jpg`, `JPEG`, `png`); nil for any other.
    package init?(extension name: String) {
      let name = name.lowercased()
      self.init(rawValue: name == "jpeg" ? "jpg" : name)
    }

    /// The format that the first bytes of a file tell; nil for any other.
    package init?(of bytes: some Sequence<UInt8>) {
      if bytes.starts(with: JPEGDecoder.signature) {
        self = .jpg
      } else if bytes.starts(with: PNGDecoder.signature) {
        self = .png
      } else {
        return nil
      }
    }
  }

  package static func encode(_ image: Image, _ format: Format) throws -> [UInt8] {
    switch format {
    case .jpg: try withPlace("JPEG image") { try JPEGEncoder.encode(image) }
    case .png: try withPlace("PNG image") { try PNGEncoder.encode(image) }
    }
  }
}
