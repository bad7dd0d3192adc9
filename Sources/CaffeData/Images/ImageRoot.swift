import CaffeCore

/// Where the images of a list are: `root_folder` is put before each path as it is, and the result,
/// unless it is absolute, counts from the folder that the net's paths count from.
struct ImageRoot: Sendable {
  private let rootFolder: String
  private let netFolder: String

  init(_ rootFolder: String, _ context: LayerContext) {
    self.rootFolder = rootFolder
    netFolder = context.folder
  }

  func path(of entry: String) -> String {
    LayerContext.path(rootFolder + entry, from: netFolder)
  }
}
