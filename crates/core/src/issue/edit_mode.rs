//! How the place of an issue can be changed.

/// How a container can be changed, which decides the patch and the command that a page offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EditMode {
    /// The object holds it, and a change of it is rolled out.
    Template,
    /// The object holds it, and pods keep what they were made with until they are replaced (a ReplicaSet).
    Replace,
    /// The object is of a custom kind and holds it: what a change does is up to the controller of that kind.
    Custom,
    /// The object is a Pod: the images of its containers can be changed in place, and nothing else.
    Pod,
    /// The object is what the API server shows of a Pod that a kubelet runs from a file.
    Mirror,
    /// The object holds it, but the API server refuses changes (a Job): it has to be recreated.
    Recreate,
    /// Only pods have it: something adds it to those that the object asks for.
    Added,
    /// The object holds the container with another image: admission, a client or an earlier template gave pods this one.
    OtherImage,
    /// Only pods of an older revision have it: the object has another template already.
    OlderRevision,
    /// It was read from an object that this one created, whose own kind is not read.
    Elsewhere,
}

impl EditMode {
    /// Whether the object, or the file that it is made from, contains the container with this image.
    pub fn is_in_object(self) -> bool {
        match self {
            Self::Template | Self::Replace | Self::Custom | Self::Pod | Self::Mirror | Self::Recreate => true,
            Self::Added | Self::OtherImage | Self::OlderRevision | Self::Elsewhere => false,
        }
    }
}
