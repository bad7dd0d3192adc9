import CaffeData
import Foundation

extension HTML {
  /// A picture inside the page, as PNG.
  ///
  /// - Parameters:
  ///   - text: what it shows, for those who do not see it.
  ///   - style: its class in the style sheet.
  package static func image(_ image: Image, text: String, style: String) throws -> HTML {
    let data = Data(try ImageEncoder.encode(image, .png)).base64EncodedString()
    return """
      <img class="\(style)" width="\(image.width)" height="\(image.height)" alt="\(text)" src="data:image/png;base64,\(data)">
      """
  }
}
