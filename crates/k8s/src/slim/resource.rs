//! A slim type is a resource of the kind that it decodes.

/// Implements [`kube_core::Resource`] for a slim type with a field `metadata`. Group, version, kind, plural and scope are
/// those of the generated type.
macro_rules! resource_of {
    ($slim:ty, $kind:ty) => {
        impl kube_core::Resource for $slim {
            type DynamicType = ();
            type Scope = <$kind as kube_core::Resource>::Scope;

            fn kind(dynamic: &()) -> std::borrow::Cow<'_, str> {
                <$kind as kube_core::Resource>::kind(dynamic)
            }

            fn group(dynamic: &()) -> std::borrow::Cow<'_, str> {
                <$kind as kube_core::Resource>::group(dynamic)
            }

            fn version(dynamic: &()) -> std::borrow::Cow<'_, str> {
                <$kind as kube_core::Resource>::version(dynamic)
            }

            fn plural(dynamic: &()) -> std::borrow::Cow<'_, str> {
                <$kind as kube_core::Resource>::plural(dynamic)
            }

            fn meta(&self) -> &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
                &self.metadata
            }

            fn meta_mut(&mut self) -> &mut k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta {
                &mut self.metadata
            }
        }
    };
}

pub(super) use resource_of;
