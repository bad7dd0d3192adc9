import ArgumentParser
import Caffe
import Logging

struct ConvertImageset: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert-imageset",
    abstract: "Make a database of the images that a text file lists.",
    discussion: """
      Example: caffe-swift convert-imageset --resize-height 256 --resize-width 256 --shuffle \
      images/ list.txt train_lmdb

      A line of the list is a path, a space and a label. The records are those of Caffe's \
      convert_imageset: keys 00000000_path, 00000001_path, …, blue, green and red planes of bytes. \
      The database appears only when it is complete. An image that cannot be read ends the \
      conversion, unless --skip-damaged is given.
      """,
    aliases: ["convert_imageset"])

  @Argument(help: "What is put in front of each path, as it is: end a folder with a slash.")
  var root: String

  @Argument(help: "The list of images and labels.")
  var list: String

  @Argument(help: "The database to make, which must not exist.")
  var database: String

  @Flag(help: "One channel of brightness instead of three of colour.")
  var gray = false

  @Flag(help: "Put the images into a random order.")
  var shuffle = false

  @Option(help: "Which random order; the same number gives the same order.")
  var seed: UInt64 = 1

  @Option(help: "The kind of database.")
  var backend = WritableDatabase.lmdb

  @Option(help: "Scale all images to this width; 0 leaves them as they are.")
  var resizeWidth = 0

  @Option(help: "Scale all images to this height; 0 leaves them as they are.")
  var resizeHeight = 0

  @Flag(help: "Refuse images of other extents than the first.")
  var checkSize = false

  @Flag(help: "Store image files instead of pixels.")
  var encoded = false

  @Option(
    help: "The kind of image files to store: jpg or png; that of each listed file if left out.")
  var encodeType = ""

  @Flag(help: "Leave images out that cannot be read, and count them.")
  var skipDamaged = false

  func validate() throws {
    guard resizeWidth >= 0, resizeHeight >= 0, (resizeWidth > 0) == (resizeHeight > 0) else {
      throw ValidationError(
        "resize-width and resize-height must both be positive or both be 0, "
          + "got \(resizeWidth) and \(resizeHeight)")
    }
    guard encodeType.isEmpty || ImageEncoder.Format(extension: encodeType) != nil else {
      throw ValidationError("encode-type must be jpg or png, got '\(encodeType)'")
    }
  }

  func run() throws {
    let log = Logger(label: "caffe")
    let images = try ImageList(list)
    if let remark = images.oddLabelRemark { log.warning("\(remark)") }
    if shuffle { log.info("Shuffling data") }
    log.info("A total of \(images.entries.count) images.")
    let progress = Progress("files", of: images.entries.count)
    let outcome = try conversion.convert(
      images, to: database, report: { log.error("\($0)") }, progress: progress.update)
    progress.finish()
    let skipped = outcome.skipped > 0 ? ", \(outcome.skipped) images left out" : ""
    print("\(database): \(outcome.written) records\(skipped)")
  }

  private var conversion: ImageSetConversion {
    var conversion = ImageSetConversion()
    conversion.root = root
    conversion.isGray = gray
    conversion.size = resizeWidth > 0 ? (resizeHeight, resizeWidth) : nil
    conversion.checksSize = checkSize
    if let format = ImageEncoder.Format(extension: encodeType) {
      conversion.storage = .encoded(format)
    } else if encoded {
      conversion.storage = .asListed
    }
    conversion.shuffleSeed = shuffle ? seed : nil
    conversion.backend = backend
    conversion.skipsDamaged = skipDamaged
    return conversion
  }
}
